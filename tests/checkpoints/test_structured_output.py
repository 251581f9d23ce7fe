"""Masks of structures over several kinds of tokenizers, against all tokens tried one by one."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence

import jsonschema_rs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import AddedToken, Tokenizer
from transformers.convert_slow_tokenizer import bytes_to_unicode

from app.checkpoints.structure_grammar import check_structure
from app.checkpoints.structured_output import GrammarMask, StructuredOutput
from app.decoding.types import GenerationConfig
from app.errors import SettingsError, StructureError
from tests import tiny

LANGUAGE = tuple(text.encode() for text in ("yes", "no", "yesterday", "한 thé", "the king"))
GRAMMAR = "root ::= " + " | ".join(
    json.dumps(text.decode(), ensure_ascii=False) for text in LANGUAGE
)
SCHEMA = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "maxLength": 4},
        "kind": {"enum": ["a", "bb", None]},
        "ages": {"type": "array", "items": {"type": "integer", "maximum": 99}, "maxItems": 2},
    },
    "required": ["name", "kind"],
    "additionalProperties": False,
}
SPECIAL = "<|end|>"


def byte_level() -> tuple[Tokenizer, list[bytes]]:
    """The tiny tokenizer with a second special token, and the bytes of its tokens."""
    tokenizer = tiny.make_tokenizer()
    tokenizer.add_special_tokens([AddedToken(SPECIAL, special=True)])
    byte_of = {letter: byte for byte, letter in bytes_to_unicode().items()}
    texts = [tokenizer.id_to_token(index) for index in range(1, tiny.VOCABULARY)]
    return tokenizer, [b"", *(bytes(map(byte_of.__getitem__, text)) for text in texts), b""]


def byte_fallback() -> tuple[Tokenizer, list[bytes]]:
    """A tokenizer as Llama 2 has it, and the bytes of its tokens."""
    tokenizer = tiny.make_metaspace_tokenizer()
    pieces = [tokenizer.id_to_token(index) for index in range(257, 265)]
    texts = (piece.replace("▁", " ").encode() for piece in pieces)
    return tokenizer, [b"", *(bytes([byte]) for byte in range(256)), *texts]


VOCABULARIES = {"byte-level": byte_level(), "byte fallback": byte_fallback()}


def mask_of(name: str, config: GenerationConfig, eos_ids: Sequence[int] = (0,)) -> GrammarMask:
    tokenizer, tokens = VOCABULARIES[name]
    made = StructuredOutput(tokenizer, len(tokens) + 3, eos_ids).mask(config)
    assert made is not None
    return made


def grammar(text: str = GRAMMAR) -> GenerationConfig:
    return GenerationConfig(structure="grammar", structure_text=text)


def schema(value: object) -> GenerationConfig:
    return GenerationConfig(structure="json_schema", structure_text=json.dumps(value))


@pytest.mark.parametrize("name", VOCABULARIES)
def test_the_allowed_tokens_are_those_that_go_on_to_a_text_of_the_language(name: str) -> None:
    tokens = VOCABULARIES[name][1]
    chance = random.Random(1)
    mask = mask_of(name, grammar())
    reached = set()
    for _ in range(40):
        ids: list[int] = []
        while True:
            text = b"".join(tokens[index] for index in ids)
            expected = {
                index
                for index, token in enumerate(tokens)
                if token and any(word.startswith(text + token) for word in LANGUAGE)
            } | ({0} if text in LANGUAGE else set())
            assert set(np.flatnonzero(mask.allowed(ids)).tolist()) == expected
            following = sorted(expected - {0})
            if not following:
                break
            ids.append(chance.choice(following))
        reached.add(text)
    assert reached >= {b"no", b"yesterday", LANGUAGE[3], b"the king"}


@given(st.lists(st.tuples(st.integers(0, 10), st.integers(0, 1000)), max_size=12))
def test_a_mask_follows_drafts_forth_and_back(jumps: list[tuple[int, int]]) -> None:
    config = schema(SCHEMA)
    mask = mask_of("byte-level", config)
    ids: list[int] = []
    for kept, choice in jumps:
        ids = ids[:kept]
        fresh = mask_of("byte-level", config).allowed(ids)
        assert np.array_equal(mask.allowed(ids), fresh)
        following = np.flatnonzero(fresh)
        following = following[following > 0]
        if following.size:
            ids.append(int(following[choice % following.size]))
            assert np.array_equal(mask.allowed(ids), mask_of("byte-level", config).allowed(ids))


@pytest.mark.parametrize("name", VOCABULARIES)
@pytest.mark.parametrize("config", [schema(SCHEMA), GenerationConfig(structure="json")])
def test_texts_under_a_schema_are_valid(name: str, config: GenerationConfig) -> None:
    tokens = VOCABULARIES[name][1]
    mask = mask_of(name, config)
    wanted = SCHEMA if config.structure_text else {"type": "object"}
    ended = 0
    for seed in range(30):
        chance, ids = random.Random(seed), list[int]()
        while len(ids) < 150:
            following = np.flatnonzero(mask.allowed(ids)).tolist()
            ends = following[0] == 0
            if ends:
                break
            closing = [i for i in following if tokens[i] in (b'"', b"}", b"]", b"a", b"1", b":")]
            ids.append(chance.choice(closing if closing and chance.random() < 0.7 else following))
        if ends:
            ended += 1
            text = b"".join(tokens[index] for index in ids)
            jsonschema_rs.validate(wanted, json.loads(text))
    assert ended > 10


def test_a_text_ends_with_any_end_of_the_roles_and_with_no_other_special_token() -> None:
    last = tiny.VOCABULARY
    tokenizer = VOCABULARIES["byte-level"][0]
    ids = tokenizer.encode("no", add_special_tokens=False).ids
    for eos_ids in ([0], [last], [0, last]):
        mask = mask_of("byte-level", grammar(), eos_ids)
        assert np.flatnonzero(mask.allowed(ids)).tolist() == eos_ids
        assert not mask.allowed([])[[0, last]].any()
    free = mask_of("byte-level", schema({"type": "string"}))
    inside = tokenizer.encode('"a', add_special_tokens=False).ids
    assert not free.allowed(inside)[[0, last]].any()


def test_a_text_without_the_structure_is_an_error_and_another_is_not() -> None:
    mask = mask_of("byte-level", grammar())
    encode = VOCABULARIES["byte-level"][0].encode
    with pytest.raises(StructureError, match=r"does not have the structure .*token 2"):
        mask.allowed([*encode("n").ids, *encode("!").ids])
    assert mask.allowed(encode("no").ids)[0]


@pytest.mark.parametrize(
    ("config", "said"),
    [
        (schema({"type": "objekt"}), "objekt"),
        (schema({"type": "object", "properties": 3}), "properties must be an object"),
        (schema({"not": {"type": "string"}}), "not"),
        (schema({"pattern": "("}), "JSON schema cannot be used"),
        (schema([]), "must be an object"),
        (GenerationConfig(structure="json_schema", structure_text="{"), "not JSON"),
        (schema({"$ref": "http://example.org/schema"}), "cannot be used"),
        (grammar('root ::= "yes" | ('), "grammar cannot be used"),
        (grammar("start: nothing"), "nothing"),
        (grammar("hello"), "grammar cannot be used"),
    ],
)
def test_what_cannot_be_used_says_why_in_one_line(config: GenerationConfig, said: str) -> None:
    for check in (check_structure, lambda config: mask_of("byte-level", config)):
        with pytest.raises(StructureError, match=said) as caught:
            check(config)
        assert "\n" not in str(caught.value)


def test_grammars_may_be_gbnf_or_lark() -> None:
    expected = mask_of("byte-level", grammar('root ::= "a" [bc]+')).allowed([])
    lark = mask_of("byte-level", grammar('start: "a" /[bc]+/')).allowed([])
    assert np.array_equal(expected, lark)
    assert expected.sum() == 1


@pytest.mark.parametrize("structure", ["json_schema", "grammar"])
def test_an_empty_structure_is_refused(structure: str) -> None:
    with pytest.raises(SettingsError, match="is empty"):
        GenerationConfig(structure=structure, structure_text=" ")
    with pytest.raises(SettingsError, match="must be one of"):
        GenerationConfig(structure="xml")


def test_models_that_cannot_end_a_text_cannot_have_a_structure() -> None:
    tokenizer, tokens = VOCABULARIES["byte-level"]
    output = StructuredOutput(tokenizer, len(tokens), [])
    assert output.mask(GenerationConfig()) is None
    with pytest.raises(StructureError, match="no end-of-sequence"):
        output.mask(grammar())
