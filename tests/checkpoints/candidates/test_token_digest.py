"""Digests of vocabularies agree with the comparison of the tokenizers."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, models
from transformers import LlamaConfig, PreTrainedTokenizerFast

from app.checkpoints.candidates.token_digest import DigestReader, TokenDigest
from app.checkpoints.opening import OpenedRecipe
from app.checkpoints.preflight_report import Verdict
from app.checkpoints.spec import CheckpointSpec
from app.checkpoints.vocabulary.compare import compare_vocabularies
from app.errors import CheckpointError
from tests import tiny

_TOKENS = ("a", "b", "ab", "<unused1>", "[PAD9]", "한")
_VOCABULARIES = st.dictionaries(
    st.integers(0, 12), st.sampled_from(_TOKENS), min_size=1, max_size=6
)


def unique(tokens: dict[int, str]) -> dict[str, int]:
    return {token: index for index, token in tokens.items()}


def listed(ids: dict[str, int]) -> list[str | None]:
    tokens: list[str | None] = [None] * (max(ids.values()) + 1)
    for token, index in ids.items():
        tokens[index] = token
    return tokens


def opened(*vocabularies: dict[str, int]) -> OpenedRecipe:
    """Roles that are nothing but a tokenizer, with a row for every id."""
    roles = []
    for ids in vocabularies:
        tokenizer = Tokenizer(models.WordLevel(vocab=ids, unk_token="a"))
        roles.append(
            SimpleNamespace(
                name=f"role {len(roles)}",
                spec=CheckpointSpec("folder:any"),
                tokenizer=PreTrainedTokenizerFast(tokenizer_object=tokenizer),
                config=LlamaConfig(vocab_size=16, eos_token_id=None, bos_token_id=None),
            )
        )
    recipe = SimpleNamespace(accepted_ids=())
    return cast(OpenedRecipe, SimpleNamespace(recipe=recipe, roles=tuple(roles)))


@pytest.mark.slow
@given(_VOCABULARIES, _VOCABULARIES)
def test_as_many_ids_differ_as_in_the_tokenizers(one: dict[int, str], two: dict[int, str]) -> None:
    base, other = unique(one), unique(two)
    report = compare_vocabularies(opened(base, other)).roles[1]
    mine, theirs = TokenDigest(listed(base)), TokenDigest(listed(other))
    assert theirs.different_from(mine) == report.different
    assert theirs.goes_with(mine) == (report.verdict is not Verdict.DIFFERENT)


def test_a_few_ids_of_many_may_differ() -> None:
    base = [f"t{index}" for index in range(1000)]
    digest = TokenDigest(base)
    assert TokenDigest([*base[:991], *["x"] * 9]).goes_with(digest)
    assert not TokenDigest([*base[:990], *["x"] * 10]).goes_with(digest)
    assert TokenDigest([*base, "added"]).different_from(digest) == 0


def test_equal_vocabularies_are_one_object(tmp_path: Path) -> None:
    reader = DigestReader()
    folders = [tmp_path / name for name in ("one", "other")]
    for folder, indent in zip(folders, (None, 1), strict=True):
        folder.mkdir()
        content = json.loads(tiny.make_tokenizer().to_str())
        (folder / "tokenizer.json").write_text(json.dumps(content, indent=indent))
    digests = [reader.read(folder) for folder in folders]
    assert digests[0] is digests[1]
    vocabulary = tiny.make_tokenizer().get_vocab()
    assert digests[0].different_from(TokenDigest(listed(vocabulary))) == 0
    assert digests[0].count == len(vocabulary)


@pytest.mark.parametrize("name", ["tokenizer.json", "tokenizer_config.json", "vocab.json"])
def test_files_of_tokens_and_added_tokens(tmp_path: Path, name: str) -> None:
    added = {"id": 2, "content": "<c>"}
    contents = {
        "tokenizer.json": {"model": {"vocab": [["a", 0.1], ["b", 0.2]]}, "added_tokens": [added]},
        "tokenizer_config.json": {"added_tokens_decoder": {"2": {"content": "<c>"}}},
        "vocab.json": {"a": 0, "b": 1, "<c>": 2},
    }
    if name == "tokenizer_config.json":
        (tmp_path / "vocab.json").write_text(json.dumps({"a": 0, "b": 1}))
    (tmp_path / name).write_text(json.dumps(contents[name]))
    assert DigestReader().read(tmp_path).different_from(TokenDigest(["a", "b", "<c>"])) == 0


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "null",
        '{"model": {"vocab": 3}}',
        '{"model": {"vocab": {"a": -1}}}',
        '{"model": {"vocab": {"a": 99999999999}}}',
        '{"model": {"vocab": [1]}}',
        '{"model": {"vocab": {}}, "added_tokens": [1]}',
        "[" * 100_000,
    ],
)
def test_a_damaged_tokenizer_is_an_error(tmp_path: Path, content: str) -> None:
    (tmp_path / "tokenizer.json").write_text(content)
    with pytest.raises(CheckpointError, match="cannot be read"):
        DigestReader().read(tmp_path)


def test_folders_without_a_tokenizer_say_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="There is no tokenizer"):
        DigestReader().read(tmp_path)
    (tmp_path / "tokenizer.model").touch()
    with pytest.raises(CheckpointError, match="only a SentencePiece model"):
        DigestReader().read(tmp_path)
