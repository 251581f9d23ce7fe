"""Recipes whose base is behind an endpoint, before anything is asked of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.checkpoints.endpoint_address import address_of
from app.checkpoints.opening import open_recipe
from app.checkpoints.preflight import preflight
from app.checkpoints.preflight_report import Verdict
from app.checkpoints.recipes.recipe_file import recipe_of_text, recipe_text
from app.checkpoints.spec import CheckpointSpec, ExpertPair, Recipe
from app.errors import RecipeError, TuneshiftError
from tests import tiny

TEXT = """
format = 1
name = "r"
[base]
endpoint = "http://gpu:8000/v1/"
model = "Qwen/Qwen2.5-72B"
top_logprobs = 20
[[pair]]
name = "A"
expert = { source = "hub:a/b" }
antiexpert = { source = "hub:a/c" }
"""


def read(text: str) -> Recipe:
    return recipe_of_text(text, "r.toml", Path("/"))


def test_a_recipe_names_an_endpoint_and_reads_back() -> None:
    recipe = read(TEXT)
    assert recipe.base == CheckpointSpec(
        "endpoint:http://gpu:8000/v1", model="Qwen/Qwen2.5-72B", top_logprobs=20
    )
    written = recipe_text(recipe)
    assert 'endpoint = "http://gpu:8000/v1"' in written
    assert "source" not in written.partition("[[pair]]")[0]
    assert read(written) == recipe


@pytest.mark.parametrize(
    ("change", "to", "said"),
    [
        ("top_logprobs = 20", "top_logprobs = 0", ["1 or more", "line 7"]),
        ("top_logprobs = 20", 'top_logprobs = "5"', ["whole number", "line 7"]),
        ("top_logprobs = 20", 'source = "hub:a/b"', ["not both", "line 7"]),
        ("http://gpu:8000/v1/", "gpu:8000", ["not the address", "line 5"]),
        ("http://gpu:8000/v1/", "http://u:p@gpu/v1", ["Keys are never kept in recipes", "line 5"]),
        ("http://gpu:8000/v1/", "http://gpu/v1?key=s", ["has a user, a query or a fragment"]),
        ("http://gpu:8000/v1/", "http://gpu/v1?", ["has a user, a query or a fragment"]),
        ('endpoint = "http://gpu:8000/v1/"', 'source = "hub:a/b"', ["setting of endpoints"]),
        ('source = "hub:a/b"', 'source = "endpoint:http://gpu/v1"', ["Only the base can"]),
    ],
)
def test_what_is_wrong_is_said_with_its_line(change: str, to: str, said: list[str]) -> None:
    with pytest.raises(RecipeError) as caught:
        read(TEXT.replace(change, to))
    assert all(part in str(caught.value) for part in said), str(caught.value)


@given(url=st.text(max_size=40) | st.from_regex(r"\Ahttps?://[ -~]{0,30}\Z"))
def test_any_address_is_taken_or_refused(url: str) -> None:
    try:
        address = address_of(f"endpoint:{url}")
    except RecipeError:
        return
    assert address_of(f"endpoint:{address.url}") == address
    assert "@" not in address.host
    assert "?" not in address.url


@pytest.mark.parametrize(
    ("url", "loopback"),
    [
        ("http://localhost:1", True),
        ("http://127.0.0.1:8000/v1", True),
        ("http://[::1]:8000/v1", True),
        ("http://10.0.0.1/v1", False),
        ("http://localhost.evil.org/v1", False),
    ],
)
def test_this_machine(url: str, loopback: bool) -> None:
    assert address_of(f"endpoint:{url}").is_loopback is loopback


def behind(recipe: Recipe) -> Recipe:
    return replace(recipe, base=CheckpointSpec("endpoint:http://gpu/v1"))


def test_a_check_asks_nobody_and_takes_the_vocabulary_of_the_pair(llama: tiny.Family) -> None:
    local = llama.recipe()
    found, whole = (preflight(open_recipe(recipe), "the king") for recipe in (behind(local), local))
    assert [role.role for role in found.vocabulary.roles] == [name for name, _ in local.roles()]
    assert all(role.verdict is Verdict.IDENTICAL for role in found.vocabulary.roles)
    assert [prompt.token_ids for prompt in found.prompts] == [p.token_ids for p in whole.prompts]
    labels = [part.label for device in found.memory.devices for part in device.parts]
    assert not any("base" in label for label in labels)
    assert found.memory.devices[0].needed < whole.memory.devices[0].needed


def test_changes_that_save_memory_leave_the_base_alone(
    llama: tiny.Family, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.checkpoints.memory.estimate.free_bytes", lambda device: 1)
    found = preflight(open_recipe(behind(llama.recipe())), "the king")
    assert not found.memory.fits
    assert found.memory.changes
    assert all(change.recipe.base == behind(llama.recipe()).base for change in found.memory.changes)


def test_a_persona_needs_the_base_here(llama: tiny.Family) -> None:
    base = CheckpointSpec("endpoint:http://gpu/v1")
    with pytest.raises(TuneshiftError, match="cannot be behind an endpoint"):
        Recipe("r", base, (ExpertPair("A", replace(base, system="s"), base),))
