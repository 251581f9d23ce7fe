"""The fixtures of a session that records."""

from tests.ui.recording import kept  # noqa: F401 — fixtures
