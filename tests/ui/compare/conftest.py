"""Fixtures of the dialogs that show several runs."""

from __future__ import annotations

from tests.ui.recording import kept  # noqa: F401 — a fixture
