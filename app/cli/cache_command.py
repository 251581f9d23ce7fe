"""``tuneshift cache``: lists and deletes converted and downloaded models."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from datetime import datetime

from app.checkpoints import hub, own_cache
from app.checkpoints.hub import CachedModel
from app.checkpoints.own_cache import KINDS, CachedConversion
from app.cli.output import print_line
from app.errors import SettingsError
from app.settings import cache_folder
from app.wording import size

_ALL = "all"
_HUB = "hub:"
_SHORT_COMMIT = 7


def cache(options: argparse.Namespace) -> int:
    """Run ``tuneshift cache``; returns the exit status.

    Raises:
        SettingsError: The arguments are invalid.
        TuneshiftError: Something cannot be read or deleted.
    """
    if options.action == "clear":
        return _clear(options.what, as_json=options.json)
    if options.what:
        raise SettingsError(
            "Only clear takes names", next_step="For example: tuneshift cache clear gguf"
        )
    print_line(_as_json() if options.json else _as_text())
    return 0


def _clear(what: Sequence[str], *, as_json: bool) -> int:
    if not what:
        raise SettingsError(
            "Name what to delete",
            next_step=f"It is {', '.join(KINDS)}, {_ALL} (of these), or hub:OWNER/NAME.",
        )
    models = {name: _downloaded(name) for name in what if name.startswith(_HUB)}
    unknown = [name for name in what if name not in (*KINDS, _ALL, *models)]
    if unknown:
        raise SettingsError(
            f"There is no “{unknown[0]}” in the cache",
            next_step=f"It is {', '.join(KINDS)}, {_ALL} (of these), or hub:OWNER/NAME.",
        )
    kinds = KINDS if _ALL in what else [kind for kind in KINDS if kind in what]
    freed = {kind: own_cache.clear(kind) for kind in kinds}
    freed |= {name: hub.delete_cached(found) for name, found in models.items()}
    if as_json:
        print_line(json.dumps({"freed": freed}))
    else:
        for name, count in freed.items():
            print_line(f"{name}: freed {size(count)}")
    return 0


def _downloaded(name: str) -> list[CachedModel]:
    """The downloaded revisions that ``hub:OWNER/NAME[@REVISION]`` names; without one, all."""
    wanted = hub.parse(name)
    found = [
        model
        for model in hub.cached_models()
        if model.id == wanted.repo and ("@" not in name or _is_revision(wanted.revision, model))
    ]
    if not found:
        raise SettingsError(
            f"{wanted} is not in the Hub cache", next_step="See: tuneshift cache list"
        )
    return found


def _is_revision(name: str, model: CachedModel) -> bool:
    """Whether ``name`` is a branch or tag of the revision, or the beginning of its commit."""
    short = len(name) >= _SHORT_COMMIT and model.commit.startswith(name)
    return short or name in model.names


def _as_text() -> str:
    lines = [f"{cache_folder()}: made again when it is needed"]
    for kind, meaning in KINDS.items():
        lines.append(f"  {size(own_cache.size_of(kind)):>9}  {kind}: {meaning}")
        if kind == "gguf":
            lines += map(_conversion, own_cache.conversions())
    lines += ["", f"{hub.cache_folder()}: the Hub cache, which other programs use too"]
    models = hub.cached_models()
    lines += [_model(model) for model in models] or ["  no models"]
    return "\n".join(lines)


def _conversion(conversion: CachedConversion) -> str:
    missing = "" if conversion.is_current else ", which is no longer there"
    named = conversion.path or "an unknown file"
    return f"  {size(conversion.size):>9}    of {named}{missing}"


def _model(model: CachedModel) -> str:
    used = datetime.fromtimestamp(model.last_used).astimezone()
    names = f" ({', '.join(model.names)})" if model.names else ""
    state = "" if model.complete else ", incomplete"
    return (
        f"  {size(model.size):>9}  {_HUB}{model.id}@{model.commit[:8]}{names}, "
        f"last used {used:%Y-%m-%d}{state}"
    )


def _as_json() -> str:
    report = {
        "folder": str(cache_folder()),
        "bytes": {kind: own_cache.size_of(kind) for kind in KINDS},
        "conversions": [
            {"file": each.path, "folder": str(each.folder), "bytes": each.size}
            for each in own_cache.conversions()
        ],
        "hub_folder": str(hub.cache_folder()),
        "hub": [
            {
                "id": model.id,
                "commit": model.commit,
                "names": model.names,
                "bytes": model.size,
                "complete": model.complete,
            }
            for model in hub.cached_models()
        ],
    }
    return json.dumps(report, ensure_ascii=False)
