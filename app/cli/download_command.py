"""``tuneshift download``: downloads models from the Hub, by name or for a recipe."""

from __future__ import annotations

import argparse
import sys
import time

from app.checkpoints import hub
from app.checkpoints.hub import DownloadProgress, HubId, HubModel
from app.checkpoints.recipes.recipe_file import find_recipe
from app.checkpoints.spec import Recipe
from app.cli.output import print_line
from app.cli.progress_line import ProgressLine
from app.errors import HubError, RecipeError
from app.wording import duration, size


def download(options: argparse.Namespace) -> int:
    """Run ``tuneshift download``; returns the exit status.

    Raises:
        TuneshiftError: A name is invalid, or the Hub or the disk fails.
    """
    wanted = _wanted(options)
    if not wanted:
        print_line("The recipe has no models on the Hub; there is nothing to download.")
        return 0
    try:
        _download_all(wanted, ProgressLine())
    except KeyboardInterrupt as interrupt:
        print(f"tuneshift: {str(interrupt) or 'The download was cancelled.'}", file=sys.stderr)
        return 130
    return 0


def hub_ids(recipe: Recipe) -> list[HubId]:
    """The Hub models of a recipe without duplicates, in the order of its roles."""
    return list(dict.fromkeys(map(hub.parse, recipe.hub_sources())))


def _wanted(options: argparse.Namespace) -> list[HubId]:
    if bool(options.names) == bool(options.recipe):
        raise RecipeError(
            "Name either models or a recipe",
            next_step="For example: tuneshift download Qwen/Qwen2.5-0.5B",
        )
    if options.recipe:
        return hub_ids(find_recipe(options.recipe))
    return list(dict.fromkeys(hub.parse(name) for name in options.names))


def _download_all(wanted: list[HubId], status: ProgressLine) -> None:
    try:
        models = [model for hub_id in wanted if (model := _look_up(hub_id, status)) is not None]
        _check_disk_space(models)
        for model in models:
            folder = hub.download(model.id, _Progress(model.id, status), _not_cancelled)
            status.clear()
            print_line(f"{model.id} is in {folder}")
    finally:
        status.clear()


def _look_up(hub_id: HubId, status: ProgressLine) -> HubModel | None:
    """Print what will be downloaded.

    None if the Hub is unreachable and the model is in the cache.
    """
    status.show(f"Asking the Hub about {hub_id} …")
    try:
        model = hub.describe(hub_id)
    except hub.UnreachableError:
        folder = hub.cached_folder(hub_id)
        if folder is None:
            raise
        status.clear()
        print_line(f"{hub_id} is in {folder}; the Hub is unreachable: no check for newer versions")
        return None
    status.clear()
    print_line(f"{hub_id}: {', '.join(_details(model))}")
    return model


def _details(model: HubModel) -> list[str]:
    facts = [size(model.size), model.licence and f"licence {model.licence}"]
    if model.gated:
        facts.append("gated")
    if not model.missing:
        facts.append("already downloaded")
    elif model.cached:
        facts.append(f"{size(model.cached)} already downloaded")
    return [fact for fact in facts if fact]


def _check_disk_space(models: list[HubModel]) -> None:
    """Check the disk space for all models together; each download checks again."""
    needed, free = sum(model.missing for model in models), hub.free_disk()
    if needed > free:
        raise HubError(
            "There is not enough free disk space",
            evidence=f"needed {size(needed)}, free {size(free)} in {hub.cache_folder()}",
            next_step="Delete models that you no longer need, or other files.",
        )
    if needed:
        print_line(f"To download: {size(needed)}; free on the disk: {size(free)}")


class _Progress:
    """Shows the progress of a download."""

    def __init__(self, hub_id: HubId, status: ProgressLine) -> None:
        self._name = str(hub_id)
        self._status = status
        self._pace = hub.Pace()

    def __call__(self, progress: DownloadProgress) -> None:
        self._pace.add(time.monotonic(), progress.done)
        share = progress.done / max(progress.total, 1)
        parts = [
            f"{self._name}: {share:.0%} of {size(progress.total)}",
            *self._pace_text(progress),
        ]
        self._status.show(", ".join(parts))

    def _pace_text(self, progress: DownloadProgress) -> list[str]:
        if progress.done >= progress.total:
            return ["checking"]
        if self._pace.stalled:
            return ["stalled"]
        left = self._pace.seconds_left(progress.total)
        if left is None:
            return []
        return [f"{size(round(self._pace.bytes_per_second))}/s", f"{duration(left)} left"]


def _not_cancelled() -> bool:
    """Cancellation is by Ctrl+C, which raises KeyboardInterrupt."""
    return False
