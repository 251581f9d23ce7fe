"""``tuneshift generate --again RUN``: a run of the history once more, and if it is the same."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest

from app.checkpoints.status import RoleInForce
from app.cli.roles import on_device
from app.cli.run_request import Order
from app.engine.controls import LiveAlphas, ReplayedAlphas
from app.errors import RecipeError
from app.history.archive import Archive
from app.history.database import open_to_read
from app.history.records import StoredRun
from app.history.repeat import Repeatable, repeatable
from app.settings import history_file

_COARSE = ("bfloat16", "float16")
_EXCLUDED = (
    "prompt",
    "recipe",
    "base",
    "expert",
    "antiexpert",
    "alpha",
    "max_new_tokens",
    "greedy",
    "temperature",
    "top_k",
    "top_p",
    "min_p",
    "repetition_penalty",
    "seed",
    "stop",
)


@dataclass(frozen=True, slots=True, eq=False)
class Again:
    """A run that is to be repeated."""

    stored: StoredRun
    wanted: Repeatable

    def order(self, options: argparse.Namespace) -> Order:
        """What to ask of the engine; ``options`` may name another device or dtype."""
        wanted = self.wanted
        return Order(
            prompt=wanted.prompt,
            recipe=on_device(wanted.recipe, options.device, options.dtype),
            config=wanted.config,
            alphas=ReplayedAlphas(wanted.alphas) if wanted.alphas else LiveAlphas(()),
            given=wanted.given,
            role=wanted.role,
            drafts=wanted.drafts and options.speculate,
        )

    def compare(self, token_ids: Sequence[int], roles: Sequence[RoleInForce], drafts: bool) -> bool:
        """Whether the same tokens came; where not, one line on stderr says what else differs.

        Args:
            token_ids: What came.
            roles: What they came from.
            drafts: Whether some of them were drafted.
        """
        pairs = zip_longest(self.wanted.token_ids, token_ids)
        place = next((i for i, (then, now) in enumerate(pairs) if then != now), None)
        if place is None:
            return True
        differences = self._differences(roles)
        if (drafts or self.stored.drafts) and any(role.dtype in _COARSE for role in roles):
            differences.append("drafts are read in blocks, which may round otherwise in 16 bits")
        reasons = "; ".join(differences) or "the models and devices are the same"
        print(
            f"tuneshift: Token {place + 1} is another than in {self.stored.id} ({reasons})",
            file=sys.stderr,
        )
        return False

    def _differences(self, roles: Sequence[RoleInForce]) -> list[str]:
        found = []
        for then, now in zip(self.stored.roles, roles, strict=False):
            for name in ("fingerprint", "device", "hardware", "dtype", "quantization"):
                was, is_now = getattr(then, name), getattr(now, name)
                if was != is_now:
                    found.append(f"{now.role}: {name} was {was or '–'}, is {is_now or '–'}")
        return found


def find_again(options: argparse.Namespace) -> Again:
    """The run that ``options.again`` names.

    Raises:
        RecipeError: When it is to be repeated with something else than it had.
        HistoryError: When there is no such run.
    """
    given = [name for name in _EXCLUDED if getattr(options, name) not in (None, False, [])]
    if given:
        option = "a prompt" if given[0] == "prompt" else f"--{given[0].replace('_', '-')}"
        raise RecipeError(
            f"--again and {option} exclude each other",
            next_step="A run is repeated as it was; only --device and --dtype may be others.",
        )
    archive = Archive(open_to_read(history_file()))
    try:
        stored = archive.get(archive.resolve(options.again))
        return Again(stored, repeatable(stored, archive.tokens(stored.id)))
    finally:
        archive.close()
