"""Runs to export, made of invented logits, some of them hostile."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from app.checkpoints.spec import CheckpointSpec, ExpertPair, Recipe
from app.history.export.document import Document, read_document
from app.history.records import Ending
from tests.history.invented import Desk, in_force, new_run, steps

HOSTILE = (
    "</script><img src=x onerror=alert(1)>",
    '"><svg/onload=alert(2)>',
    "]]>&lt;!--",
    "a\u202eb\0c",
    "\n",
    "\t",
    "",
    "한국어 👩‍👩‍👧",
    "=1+1",
    "| pipe * star",
    "\u2028",
)


def hostile_recipe(pairs: int = 2) -> Recipe:
    spec = CheckpointSpec("folder:/models/<b>bold</b>")
    return Recipe(
        name="<script>alert(3)</script>",
        base=spec,
        pairs=tuple(
            ExpertPair(f"</style><i>{number}\"'", spec, spec, 0.5 + number)
            for number in range(pairs)
        ),
    )


def make_document(folder: Path, pairs: int = 2, count: int = 24) -> Document:
    """A run whose prompt, names, tokens and labels try to be markup."""
    desk = Desk(folder / "history.sqlite3")
    recipe = hostile_recipe(pairs)
    run = replace(new_run("<img src=x onerror=alert(4)>\nwhy?"), recipe=recipe)
    force = in_force(run)
    labels = tuple(f"{label}{HOSTILE[place % 3]}" for place, label in enumerate(force.labels))
    desk.writer.begin(run)
    desk.writer.describe(run.id, replace(force, labels=labels))
    start = 0
    for (step, explained), text in zip(steps(count, recipe.alphas), HOSTILE * count, strict=False):
        made = replace(step, text=text, start=start)
        start = made.end
        desk.writer.add(run.id, made, explained)
    desk.writer.finish(run.id, Ending("length"))
    archive = desk.archive()
    archive.set_tags(run.id, ["<u>tag</u>"])
    document = read_document(archive, run.id)
    archive.close()
    desk.close()
    return document


def with_shares(document: Document) -> Document:
    """The same run with a pair of another vocabulary, which knows less from token to token."""
    count = len(document.tokens)
    tokens = [
        replace(
            token,
            attribution=replace(
                token.attribution, coverage=1 - 0.3 * place / count, bounded=0.2 * place / count
            ),
        )
        for place, token in enumerate(document.tokens)
    ]
    return replace(document, tokens=tokens)


def covered(document: Document) -> Document:
    """The same run with a base behind an endpoint: its coverage falls from token to token."""
    count = len(document.tokens)
    tokens = [
        replace(token, attribution=replace(token.attribution, coverage=1 - 0.3 * place / count))
        for place, token in enumerate(document.tokens)
    ]
    return replace(document, tokens=tokens)
