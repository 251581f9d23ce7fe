"""The fixtures of a session that evaluates."""

from tests.ui.evaluating import desk, lent, plan, task, tiny_pairs  # noqa: F401 — fixtures
