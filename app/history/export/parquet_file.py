"""Parquet export of the tokens of runs and of prompts, for programs that read columns."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

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
GROUP_ROWS = 10_000
"""Rows of a group of a file that is written as they come; so many are held in memory."""


def write_parquet(runs: Sequence[TokenSource]) -> bytes:
    """One row for each token, with the columns of :class:`TokenTable`; each column says its unit.

    Raises:
        HistoryError: The optional package for Parquet files is not installed.
    """
    table = TokenTable(runs)
    return _file(_token_fields(table), table.rows(), _SCHEMA_KEY, SCHEMA)


class TokenGroups:
    """A Parquet file of tokens that is written in groups of rows, as the rows come.

    It can be read after :meth:`close` only: the places of the groups are at its end.

    Args:
        file: The file, which stays open.
        table: The table whose columns it has.

    Raises:
        HistoryError: The optional package for Parquet files is not installed.
    """

    def __init__(self, file: BinaryIO, table: TokenTable) -> None:
        require_parquet()
        from pyarrow import parquet

        self._schema = _schema(_token_fields(table), _SCHEMA_KEY, SCHEMA)
        self._writer = parquet.ParquetWriter(file, self._schema)
        self._waiting: list[list[Cell]] = []

    def add(self, rows: Iterable[list[Cell]]) -> None:
        """Add rows, and write each group that they complete.

        Raises:
            OSError: The file cannot be written.
        """
        for row in rows:
            self._waiting.append(row)
            if len(self._waiting) >= GROUP_ROWS:
                self._write()

    def close(self) -> None:
        """Write the rows that are left, and the end of the file.

        Raises:
            OSError: The file cannot be written.
        """
        if self._waiting:
            self._write()
        self._writer.close()

    def _write(self) -> None:
        self._writer.write_table(_arrow_table(self._schema, self._waiting))
        self._waiting = []


def _token_fields(table: TokenTable) -> list[_Field]:
    run_id, *flags = OF_RUN
    columns = [_Field(run_id, str, required=True)]
    columns += (_Field(flag, bool, required=True) for flag in flags)
    columns += (_Field(column.name, column.kind, column.unit) for column in table.columns())
    columns += (
        _Field(name, float, PAIR_UNITS[name.split(" ", 1)[0]])
        for name in table.header()[len(columns) :]
    )
    return columns


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
    from pyarrow import parquet

    content = io.BytesIO()
    parquet.write_table(_arrow_table(_schema(columns, key, version), rows), content)
    return content.getvalue()


def _schema(columns: Sequence[_Field], key: str, version: str) -> Any:
    import pyarrow

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
    return pyarrow.schema(fields, metadata={key: version})


def _arrow_table(schema: Any, rows: Iterable[list[Cell]]) -> Any:
    import pyarrow

    values: list[Any] = [list(each) for each in zip(*rows, strict=True)] or [[] for _ in schema]
    arrays = [pyarrow.array(each, field.type) for each, field in zip(values, schema, strict=True)]
    return pyarrow.Table.from_arrays(arrays, schema=schema)


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
