"""The export formats of runs, by name. PNG is written by ``app.ui``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from app.colors import LIGHT
from app.history.export.csv_file import write_candidates_csv, write_csv, write_tokens_csv
from app.history.export.document import Document
from app.history.export.html_report import write_html
from app.history.export.json_file import json_pieces, write_json
from app.history.export.markdown import write_markdown, write_text
from app.history.export.messages import write_conversation, write_messages
from app.history.export.parquet_file import PARQUET, require_parquet, write_parquet
from app.history.export.shift_svg import standalone_svg

PNG = "png"
CSV = "csv"
JSON = "json"
OF_MANY = (CSV, PARQUET)
"""The formats that take several runs in one file."""


def write_svg(document: Document) -> str:
    """The plot as SVG, in light colours."""
    return standalone_svg(document, LIGHT)


FORMATS: dict[str, Callable[[Document], str]] = {
    JSON: write_json,
    CSV: write_csv,
    "candidates": write_candidates_csv,
    "html": write_html,
    "svg": write_svg,
    "markdown": write_markdown,
    "text": write_text,
    "conversation": write_conversation,
    "messages": write_messages,
}
"""The function that writes each text format; all files are UTF-8."""

ENDINGS = {
    "candidates": "csv",
    "markdown": "md",
    "text": "txt",
    "conversation": "md",
    "messages": "json",
}
"""File name extensions that differ from the format's name."""


def check_format(name: str) -> None:
    """Check that a format can be written here.

    Raises:
        HistoryError: An optional package is missing.
    """
    if name == PARQUET:
        require_parquet()


def exported(documents: Sequence[Document], name: str) -> str | bytes:
    """The content of a file in any format but PNG; several runs need one of :data:`OF_MANY`.

    Raises:
        HistoryError: An optional package is missing.
    """
    if name == PARQUET:
        return write_parquet(documents)
    return write_tokens_csv(documents) if name == CSV else FORMATS[name](documents[0])


def exported_pieces(documents: Sequence[Document], name: str) -> Iterator[bytes]:
    """The content of a file, as :func:`exported` has it, in pieces where it may be long.

    Raises:
        HistoryError: An optional package is missing.
    """
    if name == JSON:
        yield from (piece.encode("utf-8") for piece in json_pieces(documents[0]))
    else:
        yield file_bytes(exported(documents, name))


def file_bytes(content: str | bytes) -> bytes:
    """The content of a file as it is written to the disk."""
    return content if isinstance(content, bytes) else content.encode("utf-8")
