"""Parquet export of the tokens of runs and of prompts, for programs that read columns."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from app.attribution.scored_prompt import ScoredPrompt
from app.errors import HistoryError
from app.extras import install_hint, is_installed
from app.history.export.prompt_table import COLUMNS as PROMPT_COLUMNS
from app.history.export.prompt_table import PromptTable
from app.history.export.token_table import OF_RUN, PAIR_UNITS, Cell, TokenSource, TokenTable

PARQUET = "parquet"
SCHEMA = "1"
"""The version of the schema, in the metadata of the file as ``tuneshift.schema``."""
PROMPT_SCHEMA = "1"
"""Likewise of prompts, as ``tuneshift.prompts``."""
_SCHEMA_KEY, _PROMPT_SCHEMA_KEY = "tuneshift.schema", "tuneshift.prompts"
_UNIT = "unit"


def write_parquet(runs: Sequence[TokenSource]) -> bytes:
    """One row for each token, with the columns of :class:`TokenTable`; each column says its unit.

    Raises:
        HistoryError: The optional package for Parquet files is not installed.
    """
    table = TokenTable(runs)
    run_id, *flags = OF_RUN
    columns = [_Field(run_id, str, required=True)]
    columns += (_Field(flag, bool, required=True) for flag in flags)
    columns += (_Field(column.name, column.kind, column.unit) for column in table.columns())
    columns += (
        _Field(name, float, PAIR_UNITS[name.split(" ", 1)[0]])
        for name in table.header()[len(columns) :]
    )
    return _file(columns, table.rows(), _SCHEMA_KEY, SCHEMA)


def write_prompts_parquet(prompts: Sequence[ScoredPrompt]) -> bytes:
    """One row for each token of the prompts, with the columns of :class:`PromptTable`.

    Raises:
        HistoryError: The optional package for Parquet files is not installed.
    """
    table = PromptTable(prompts)
    columns = [_Field("role", str, required=True), _Field("row", int, required=True)]
    columns += (_Field(column.name, column.kind, column.unit) for column in PROMPT_COLUMNS)
    return _file(columns, table.rows(), _PROMPT_SCHEMA_KEY, PROMPT_SCHEMA)


@dataclass(frozen=True, slots=True)
class _Field:
    """A column of a file."""

    name: str
    kind: type[str | int | float | bool]
    unit: str = ""
    required: bool = False


def _file(columns: Sequence[_Field], rows: Iterable[list[Cell]], key: str, version: str) -> bytes:
    """A file with typed columns; its metadata have the version of its schema."""
    require_parquet()
    import pyarrow
    from pyarrow import parquet

    types = {
        str: pyarrow.string(),
        int: pyarrow.int64(),
        bool: pyarrow.bool_(),
        float: pyarrow.float64(),
    }
    fields = [
        pyarrow.field(
            column.name,
            types[column.kind],
            nullable=not column.required,
            metadata={_UNIT: column.unit} if column.unit else None,
        )
        for column in columns
    ]
    values: list[Any] = [list(each) for each in zip(*rows, strict=True)] or [[] for _ in fields]
    arrays = [pyarrow.array(each, field.type) for each, field in zip(values, fields, strict=True)]
    schema = pyarrow.schema(fields, metadata={key: version})
    content = io.BytesIO()
    parquet.write_table(pyarrow.Table.from_arrays(arrays, schema=schema), content)
    return content.getvalue()


def require_parquet() -> None:
    """Check that Parquet files can be written.

    Raises:
        HistoryError: The optional package is not installed.
    """
    if not is_installed(PARQUET):
        raise HistoryError(
            "Parquet files need the optional package “pyarrow”",
            next_step=f"{install_hint(PARQUET)} Or choose CSV, which has the same columns.",
        )
