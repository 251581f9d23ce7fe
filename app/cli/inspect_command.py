"""``tuneshift inspect``: prints or exports stored runs."""

from __future__ import annotations

import argparse
import shutil
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from app.atomic_files import write_file
from app.cli.conflicting_options import refuse_together
from app.cli.evaluation_list import evaluations_as_text
from app.cli.output import write_stdout
from app.cli.progress_line import ProgressLine
from app.cli.shown_options import shown_measures
from app.decoding.alpha_policy import CONSTANT
from app.errors import HistoryError
from app.history.archive import Archive, Query
from app.history.database import Database, open_to_read
from app.history.evaluation_summaries import EvaluationArchive
from app.history.export.document import Document, read_document, shift_bits
from app.history.export.formats import OF_MANY, PNG, check_format, exported_pieces
from app.history.export.parquet_file import PARQUET
from app.history.records import RunSummary, StoredRun, first_words
from app.settings import history_file
from app.wording import decimals

_TOKEN_WIDTH = 16
_STDOUT = "-"
_TABLE = "table"
_PROGRESS_STEP = 50
"""Tokens between two lines of progress."""


def inspect(options: argparse.Namespace) -> int:
    """Run ``tuneshift inspect``; returns the exit status.

    Raises:
        HistoryError: The run does not exist, or cannot be read or exported.
    """
    listing = options.list or options.search is not None
    for listed in ("list", "search"):
        refuse_together(
            options, listed, ["format", "output", "tint", "pair", "plot", "unit", "scale"]
        )
    if listing == bool(options.names):
        raise HistoryError(
            "Name a run, or give --list", next_step="For example: tuneshift inspect last"
        )
    database = open_to_read(history_file())
    if listing:
        return write_stdout(_list(database, options.search or ""))
    format_ = options.format or _TABLE
    _check_output(format_, len(options.names), options.output)
    archive, line = Archive(database), ProgressLine()
    total = 0

    def watch(done: int) -> None:
        if total and done % _PROGRESS_STEP == 0:
            line.show(f"Exporting: {done / total:.0%}")

    try:
        run_ids = dict.fromkeys(archive.resolve(name) for name in options.names)
        documents = [
            read_document(archive, run_id, tokens_only=format_ in OF_MANY, watch=watch)
            for run_id in run_ids
        ]
    finally:
        archive.close()
    total = sum(len(document.tokens) for document in documents)
    documents = [
        replace(document, shown=shown_measures(options, format_, document.pair_names))
        for document in documents
    ]
    try:
        content = _content(documents, format_)
        if options.output not in (None, _STDOUT):
            _write(Path(options.output), content)
            return 0
        whole = b"".join(content)
    finally:
        line.clear()
    return write_stdout(whole if format_ in (PNG, PARQUET) else whole.decode("utf-8"))


def _check_output(format_: str, runs: int, output: str | None) -> None:
    """Refuse what no file can hold, before anything is read."""
    if runs > 1 and format_ not in OF_MANY:
        raise HistoryError(
            f"The format {format_} takes one run",
            evidence=f"{runs} runs",
            next_step=f"Name one run, or choose --format {' or '.join(OF_MANY)}.",
        )
    if format_ in (PNG, PARQUET) and output is None and sys.stdout.isatty():
        what = "A PNG image" if format_ == PNG else "A Parquet file"
        raise HistoryError(
            f"{what} cannot be printed to a terminal", next_step="Give --output FILE."
        )
    check_format(format_)


def _content(documents: Sequence[Document], format_: str) -> Iterable[bytes]:
    if format_ == _TABLE:
        return (_table(documents[0]).encode("utf-8"),)
    if format_ == PNG:
        from app.ui.pictures import shift_png  # imports Qt

        return (shift_png(documents[0]),)
    return exported_pieces(documents, format_)


def _write(path: Path, content: Iterable[bytes]) -> None:
    try:
        write_file(path, content)
    except OSError as error:
        raise HistoryError(
            f"{path} cannot be written",
            evidence=error.strerror or str(error),
            next_step="Choose another file, or make room on its disk.",
        ) from error


def _list(database: Database, words: str) -> str:
    """The runs and evaluations that contain all words."""
    archive, summaries = Archive(database), EvaluationArchive(database)
    try:
        runs = _runs(archive.find(Query(words=words)))
        evaluations = evaluations_as_text(summaries.all(), words)
    finally:
        archive.close()
        summaries.close()
    return f"{runs}\nEvaluations\n{evaluations}" if evaluations else runs


def _runs(runs: Sequence[RunSummary]) -> str:
    if not runs:
        return "No matching runs.\n"
    width = max(shutil.get_terminal_size().columns - 46, 24)
    lines = []
    for run in runs:
        star = "★" if run.starred else " "
        tags = "".join(f" #{tag}" for tag in run.tags)
        title = _padded(f"{run.shown_title}{tags}", width)
        created = f"{run.created.astimezone():%Y-%m-%d %H:%M}"
        lines.append(f"{run.id}  {created}  {run.tokens:>6,}  {star} {title}  {_end(run)}".rstrip())
    return "\n".join(lines) + "\n"


def _end(run: RunSummary) -> str:
    if run.finish_reason:
        return run.finish_reason
    return "failed" if run.error else "" if run.ended else "unfinished"


def _models(run: RunSummary) -> str:
    """The models of a run, its alphas and how its tokens were sampled."""
    alphas = ", ".join(f"{alpha:g}" for alpha in run.facts.alphas)
    config = run.config
    sampled = f"seed {config.seed} · temperature {config.temperature:g}"
    parts = [f"models: {', '.join(run.facts.models)}"]
    if run.role is None:
        changing = "" if config.alpha_policy == CONSTANT.text else f", {config.alpha_policy}"
        parts.append(f"α {alphas}{changing}")
    return " · ".join([*parts, sampled if config.temperature else "greedy"])


def _table(document: Document) -> str:
    summary = document.run.summary
    pairs = [_padded(name, 12) for name in document.pair_names]
    header = (
        f"{'#':>5}  {_padded('token', _TOKEN_WIDTH)}  {'base':>7}  {'tuned':>7}  {'bits':>6}  "
        f"{'rank':>13}  {'  '.join(f'{name:>12}' for name in pairs)}"
    ).rstrip()
    lines = [
        f"{summary.shown_title}",
        f"{summary.id} · {summary.created.astimezone():%Y-%m-%d %H:%M} · {summary.recipe_name} · "
        f"{len(document.tokens):,} tokens · {_end(summary) or 'cancelled'}",
        _models(summary),
        _asked(document.run),
        "",
        header,
        "─" * len(header),
    ]
    for token in document.tokens:
        explained = token.attribution
        shares = "  ".join(
            f"{decimals(share, 4, sign=True):>12}" for share in explained.contributions
        )
        mark = "← flip: the base's argmax differs" if explained.flipped else ""
        ranks = f"{explained.rank_base} → {explained.rank_tuned}"
        lines.append(
            f"{token.index + 1:>5}  {_padded(document.name(token), _TOKEN_WIDTH)}  "
            f"{decimals(explained.p_base, 4):>7}  {decimals(explained.p_tuned, 4):>7}  "
            f"{decimals(shift_bits(token), 2, sign=True):>6}  "
            f"{ranks:>13}  {shares}  {mark}".rstrip()
        )
    return "\n".join(lines) + "\n"


def _asked(run: StoredRun) -> str:
    """The prompt, or the place of the run in its conversation."""
    if run.conversation is None:
        return f"prompt: {first_words(run.summary.prompt)}"
    follows = f", after the answer {run.summary.follows}" if run.summary.follows else ""
    count = len(run.conversation.messages)
    return f"message {count} of a conversation{follows}: {first_words(run.summary.prompt)}"


def _padded(text: str, width: int) -> str:
    """``text`` truncated or padded to exactly ``width`` terminal columns."""
    shown, used = "", 0
    for character in text:
        columns = _columns(character)
        if used + columns > width - 1 and (used + columns > width or len(shown) + 1 < len(text)):
            shown, used = f"{shown}…", used + 1
            break
        shown, used = shown + character, used + columns
    return shown + " " * (width - used)


def _columns(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
