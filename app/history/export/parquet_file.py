"""Parquet export of the tokens of runs, for pandas and other programs that read columns."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

from app.errors import HistoryError
from app.extras import install_hint, is_installed
from app.history.export.token_table import OF_RUN, PAIR_UNITS, TokenSource, TokenTable

PARQUET = "parquet"
SCHEMA = "1"
"""The version of the schema, in the metadata of the file as ``tuneshift.schema``."""
_UNIT = b"unit"


def write_parquet(runs: Sequence[TokenSource]) -> bytes:
    """One row for each token, with the columns of :class:`TokenTable`; each column says its unit.

    Raises:
        HistoryError: The optional package for Parquet files is not installed.
    """
    require_parquet()
    import pyarrow
    from pyarrow import parquet

    table = TokenTable(runs)
    types = {str: pyarrow.string(), int: pyarrow.int64(), bool: pyarrow.bool_()}
    run_id, bookmark = OF_RUN
    fields = [
        pyarrow.field(run_id, pyarrow.string(), nullable=False),
        pyarrow.field(bookmark, pyarrow.bool_(), nullable=False),
    ]
    for column in table.columns():
        kind = types.get(column.kind, pyarrow.float64())
        unit = {_UNIT: column.unit} if column.unit else None
        fields.append(pyarrow.field(column.name, kind, metadata=unit))
    fields += [
        pyarrow.field(name, pyarrow.float64(), metadata=_pair_unit(name))
        for name in table.header()[len(fields) :]
    ]
    schema = pyarrow.schema(fields, metadata={b"tuneshift.schema": SCHEMA})
    columns = zip(*table.rows(), strict=True)
    values: list[Any] = [list(column) for column in columns] or [[] for _ in fields]
    arrays = [pyarrow.array(each, field.type) for each, field in zip(values, fields, strict=True)]
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


def _pair_unit(name: str) -> dict[bytes, str]:
    return {_UNIT: PAIR_UNITS[name.split(" ", 1)[0]]}
