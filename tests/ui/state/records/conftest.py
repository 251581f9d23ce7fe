"""Fixtures of a session that records runs, and of a session that evaluates."""

from tests.ui.evaluating import desk, lent, plan, task, tiny_pairs  # noqa: F401 — fixtures
from tests.ui.recording import kept  # noqa: F401 — a fixture
