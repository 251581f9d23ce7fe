"""The grammar of a structured output, from a JSON schema or a grammar text. Imports no torch."""

from __future__ import annotations

import json
from typing import Any

from app.decoding.types import GRAMMAR, JSON, GenerationConfig
from app.errors import StructureError

_ANY_OBJECT = '{"type": "object"}'
_WHITESPACE = {"x-guidance": {"whitespace_pattern": r" |\n{1,2}[ \t]{0,20}"}}
"""White space between the parts of JSON is bounded, since models may write it without end."""
_ALL_TOKENS = '%llguidance {"no_forcing": true}\n'
"""Of a text that has to follow, every beginning is allowed, not only the tokenizer's."""


def library() -> Any:
    """The library llguidance, imported when it is first needed.

    Raises:
        StructureError: It is not installed.
    """
    try:
        import llguidance
    except ImportError as error:
        raise StructureError(
            "Structured output needs the package llguidance",
            evidence=str(error),
            next_step="Install it: pip install llguidance",
        ) from error
    return llguidance


def grammar_of(config: GenerationConfig) -> str:
    """The grammar of the structure in ``config``, in the form of llguidance.

    Raises:
        StructureError: The schema or the grammar is invalid or not supported.
    """
    matcher = library().LLMatcher
    try:
        if config.structure == GRAMMAR:
            from llguidance.gbnf_to_lark import any_to_lark

            rules = any_to_lark(config.structure_text)
        else:
            schema = _ANY_OBJECT if config.structure == JSON else config.structure_text
            rules = f"start: {json_rule(_object(schema))}"
        return str(matcher.grammar_from_lark(_ALL_TOKENS + rules))
    except StructureError:
        raise
    except Exception as error:  # of the parsers of grammars and schemas
        raise invalid(config, str(error)) from error


def json_rule(schema: dict[str, Any]) -> str:
    """The right side of a rule of a grammar: JSON of a schema."""
    return f"%json {json.dumps(schema | _WHITESPACE)}"


def check_structure(config: GenerationConfig) -> None:
    """Check the schema or the grammar of ``config``, without a tokenizer.

    Raises:
        StructureError: It is invalid or not supported.
    """
    if config.structured:
        problem = str(library().LLMatcher.validate_grammar(grammar_of(config)))
        if problem and not problem.startswith("WARNING"):
            raise invalid(config, problem)


def invalid(config: GenerationConfig, problem: str) -> StructureError:
    """The error for a schema or a grammar that cannot be used."""
    of_grammar = config.structure == GRAMMAR
    lines = [line.strip() for line in problem.splitlines() if line.strip()]
    return StructureError(
        f"The {'grammar' if of_grammar else 'JSON schema'} cannot be used",
        evidence=" ".join(lines[:3]),
        of_grammar=of_grammar,
    )


def _object(schema: str) -> dict[str, Any]:
    """A JSON schema that is an object; ``true`` means any value."""
    try:
        found = json.loads(schema)
    except ValueError as error:
        raise StructureError("The JSON schema is not JSON", evidence=str(error)) from error
    if found is True:
        return {}
    if not isinstance(found, dict):
        raise StructureError("A JSON schema must be an object", evidence=f"it is {schema[:60]}")
    return found
