"""Names of repositories."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.checkpoints import hub
from app.checkpoints.hub import HubId
from app.errors import HubError


@pytest.mark.parametrize(
    ("written", "repo", "revision"),
    [
        ("hub:owner/name", "owner/name", "main"),
        ("owner/name@v1.0", "owner/name", "v1.0"),
        ("hub:gpt2-xl", "gpt2-xl", "main"),
        (" hub:Qwen/Qwen2.5-7B@refs/pr/3 ", "Qwen/Qwen2.5-7B", "refs/pr/3"),
        ("https://huggingface.co/owner/name", "owner/name", "main"),
        ("https://huggingface.co/owner/name/tree/dev", "owner/name", "dev"),
        ("hf.co/owner/name/", "owner/name", "main"),
    ],
)
def test_names_are_read_as_people_write_them(written: str, repo: str, revision: str) -> None:
    assert hub.parse(written) == HubId(repo, revision)
    assert hub.parse(hub.parse(written).source) == HubId(repo, revision)


@pytest.mark.parametrize(
    "written",
    [
        *("", "hub:", "/", "a/b/c", "../x", "a/..", "a b/c", "a--b/c", "x" * 97, "owner/na\nme"),
        *("a/b@../../x", "a/b@-x", "a/b@/x"),
    ],
)
def test_names_that_cannot_be_are_refused(written: str) -> None:
    with pytest.raises(HubError, match="not the name of a model"):
        hub.parse(written)


@given(st.text(max_size=40))
def test_a_name_is_refused_or_stays_within_the_cache(written: str) -> None:
    try:
        hub_id = hub.parse(written)
    except HubError:
        return
    for part in (hub_id.repo, hub_id.revision):
        assert not Path(part).is_absolute()
        assert ".." not in Path(part).parts
    assert hub.parse(str(hub_id)) == hub_id
