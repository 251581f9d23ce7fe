"""``tuneshift selftest``: tests an installation, without a network."""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from app.checkpoints.recipes.recipe_file import DEFAULT_RECIPE, find_recipe
from app.checkpoints.spec import Recipe
from app.cli.output import print_line
from app.cli.saving import RunSaver
from app.decoding.llama_cpp.library import is_installed
from app.engine.commands import Generate, Load
from app.engine.controls import Cancellation, LiveAlphas
from app.engine.events import Event, Failed, RunFinished, TokenDecoded
from app.errors import ModelError, TuneshiftError
from app.history.archive import Archive
from app.history.database import open_to_read
from app.history.records import NewRun, RunKind, new_run_id

_TOKENS = 24
_TOLERANCE = 1e-4
_FEWEST_COLORS = 20


def selftest(options: argparse.Namespace) -> int:
    """Run ``tuneshift selftest``; returns 0 if all tests pass, otherwise 1."""
    check = _Selftest()
    with tempfile.TemporaryDirectory(prefix="tuneshift-selftest-") as folder:
        steps: tuple[tuple[str, Callable[[], str]], ...] = (
            ("the demo decodes", lambda: check.decode(Path(folder, "history.sqlite3"))),
            ("contributions add up", check.check_contributions),
            ("the history is read back", lambda: check.read_back(Path(folder, "history.sqlite3"))),
            ("the window is drawn", _draw_window),
        )
        works = [_report(name, step) for name, step in steps]
        if is_installed():
            works.append(_report("llama.cpp decodes", lambda: _decode_by_llama_cpp(Path(folder))))
    if not is_installed():
        print_line("skipped llama.cpp decodes: it is not installed")
    return 0 if all(works) else 1


def _report(name: str, step: Callable[[], str]) -> bool:
    started = time.perf_counter()
    try:
        found = step()
    except Exception as error:  # any error is a failed test
        detail = str(error) if isinstance(error, TuneshiftError) else repr(error)
        print_line(f"FAILED  {name}: {detail}")
        for cause in _chained_causes(error):
            print_line(f"        because of {cause!r}")
        return False
    print_line(f"ok      {name}: {found} ({time.perf_counter() - started:.1f} s)")
    return True


def _chained_causes(error: BaseException) -> Iterator[BaseException]:
    """The chained exceptions of an error, which may name a module that could not be imported."""
    behind = error.__cause__ or error.__context__
    while behind is not None:
        yield behind
        behind = behind.__cause__ or behind.__context__


class _Selftest:
    """Generates one run, and tests it in several ways."""

    def __init__(self) -> None:
        recipe = find_recipe(DEFAULT_RECIPE)
        sampling = replace(recipe.sampling, max_new_tokens=_TOKENS)
        self._recipe: Recipe = replace(recipe, sampling=sampling)
        self._run_id = new_run_id()
        self._tokens: list[TokenDecoded] = []
        self._ends: list[RunFinished | Failed] = []

    def decode(self, history: Path) -> str:
        """Generate with the built-in recipe, and store the run in ``history``."""
        from app.engine.engine import Engine

        recipe, prompt = self._recipe, self._recipe.sample_prompt
        run = NewRun(self._run_id, prompt, recipe, recipe.sampling, RunKind.GENERATED, None)
        saving = RunSaver(history, run)

        def receive(event: Event) -> None:
            saving.receive(event)
            if isinstance(event, TokenDecoded):
                self._tokens.append(event)
            elif isinstance(event, RunFinished | Failed):
                self._ends.append(event)

        engine = Engine(receive)
        cancellation = Cancellation()
        alphas = LiveAlphas(recipe.alphas)
        try:
            engine.handle(Load(1, recipe, cancellation))
            engine.handle(Generate(2, prompt, recipe.sampling, alphas, cancellation))
        finally:
            saving.close()
            engine.unload()
        for end in self._ends:
            if isinstance(end, Failed):
                raise end.error or ModelError("The run was cancelled")
        if not self._tokens:
            raise ModelError("No token was generated")
        return f"{len(self._tokens)} tokens"

    def check_contributions(self) -> str:
        """Test that the contributions of every token add up to p_tuned − p_base."""
        worst = max(
            abs(sum(a.contributions) - (a.p_tuned - a.p_base))
            for a in (token.attribution for token in self._tokens)
        )
        if worst > _TOLERANCE:
            raise ModelError("Contributions do not add up", evidence=f"they are off by {worst:.2g}")
        return f"to {worst:.0e}"

    def read_back(self, history: Path) -> str:
        """Test that the history contains the generated tokens."""
        archive = Archive(open_to_read(history))
        try:
            stored = [token.token_id for token in archive.tokens(self._run_id)]
        finally:
            archive.close()
        if stored != [token.step.token_id for token in self._tokens]:
            raise ModelError("The history does not hold what was decoded")
        return f"{len(stored)} tokens"


def _decode_by_llama_cpp(folder: Path) -> str:
    from app.cli.selftest_llama_cpp import decode_on_each_device

    return decode_on_each_device(folder)


def _draw_window() -> str:
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    from app.ui.starting import draw

    image = draw(find_recipe(DEFAULT_RECIPE))
    places = ((x, y) for x in range(0, image.width(), 4) for y in range(0, image.height(), 4))
    colors = {image.pixel(x, y) for x, y in places}
    if len(colors) < _FEWEST_COLORS:
        raise ModelError("The window is empty", evidence=f"it has {len(colors)} colours")
    return f"{image.width()} × {image.height()}"
