"""The log of a whole session: what happened is in it, and what the person typed is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.reliability.nursery import Nursery

SECRET = "my grandmother’s maiden name"


@pytest.mark.parametrize("wanted", [False, True], ids=["usual", "switched-on"])
def test_prompts_are_in_the_log_only_where_that_is_switched_on(
    nursery: Nursery, recipe_file: Path, tmp_path: Path, wanted: bool
) -> None:
    """Also where a run fails, and where something breaks that nobody expected."""
    preferences = tmp_path / "xdg_config_home" / "tuneshift" / "settings.toml"
    preferences.parent.mkdir(parents=True)
    preferences.write_text(f"log_texts = {str(wanted).lower()}\n")
    with nursery.child("talking", recipe_file, SECRET, home=tmp_path) as child:
        said = list(child.lines())
        assert child.wait() == 0
    problems = [line["problem"] for line in said if line.get("problem")]
    for place in ("a slot", "a task", "a thread", "the engine"):
        assert any(f"nobody expected this in {place}" in text for text in problems), place
    logs = (tmp_path / "xdg_state_home" / "tuneshift" / "log").iterdir()
    text = "\n".join(path.read_text(encoding="utf-8") for path in logs)
    for line in ("begins: ", "ends: length", "ends: failed", "RuntimeError", "in fail_in_a_task"):
        assert line in text
    assert (SECRET in text) is wanted
    assert (next(line["text"] for line in said if "text" in line) in text) is wanted
