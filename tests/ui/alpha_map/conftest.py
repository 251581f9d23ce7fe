"""Fixture of a session that records runs."""

from tests.ui.recording import kept  # noqa: F401 — a fixture
