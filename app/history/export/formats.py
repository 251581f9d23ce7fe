"""The export formats of a run, by name. PNG is written by ``app.ui``."""

from __future__ import annotations

from collections.abc import Callable

from app.colors import LIGHT
from app.history.export.csv_file import write_candidates_csv, write_csv
from app.history.export.document import Document
from app.history.export.html_report import write_html
from app.history.export.json_file import write_json
from app.history.export.markdown import write_markdown, write_text
from app.history.export.messages import write_conversation, write_messages
from app.history.export.shift_svg import standalone_svg


def write_svg(document: Document) -> str:
    """The plot as SVG, in light colours."""
    return standalone_svg(document, LIGHT)


FORMATS: dict[str, Callable[[Document], str]] = {
    "json": write_json,
    "csv": write_csv,
    "candidates": write_candidates_csv,
    "html": write_html,
    "svg": write_svg,
    "markdown": write_markdown,
    "text": write_text,
    "conversation": write_conversation,
    "messages": write_messages,
}
"""The function that writes each format; all files are UTF-8."""

PNG = "png"

ENDINGS = {
    "candidates": "csv",
    "markdown": "md",
    "text": "txt",
    "conversation": "md",
    "messages": "json",
}
"""File name extensions that differ from the format's name."""
