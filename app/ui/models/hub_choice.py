"""The model that is chosen in the Hub dialog, and what is known of it."""

from __future__ import annotations

from dataclasses import dataclass

from app.checkpoints.hub import HubId, HubModel
from app.ui.models.hub_results import HubRow
from app.ui.translation import translate
from app.wording import size


@dataclass(frozen=True, slots=True)
class HubChoice:
    """A revision of a model.

    Attributes:
        row: What a search and the cache say.
        model: What the Hub says, once it was asked.
        disk: Bytes free where models are downloaded to, once known.
    """

    row: HubRow
    model: HubModel | None = None
    disk: int = 0

    @property
    def id(self) -> HubId:
        return self.row.id

    @property
    def here(self) -> bool:
        """Whether it can be used without a download."""
        return self.model.missing <= 0 if self.model else self.row.here

    @property
    def adapter(self) -> bool:
        """Whether it is a LoRA adapter."""
        if self.model is None:
            return self.row.adapter
        names = {file.name for file in self.model.files}
        return "adapter_config.json" in names and "config.json" not in names

    @property
    def source(self) -> str:
        """As a recipe names it; an adapter says that it is one."""
        return f"adapter:{self.id.source}" if self.adapter else self.id.source

    def describe(self) -> str:
        """Two lines or three about it."""
        lines = [f"{self.id} · {self.id.link}"]
        model, cached = self.model, self.row.cached
        if model:
            lines.append(" · ".join(self._facts(model)))
            if model.gated and not self.here:
                lines.append(
                    translate(
                        "HubChoice",
                        "It is gated: accept the terms at the link, then log in: hf auth login",
                    )
                )
        elif cached:
            state = (
                translate("HubChoice", "on this machine")
                if cached.complete
                else translate("HubChoice", "in part on this machine")
            )
            lines.append(f"{size(cached.size)} {state} · commit {cached.commit[:7]}")
        return "\n".join(lines)

    def _facts(self, model: HubModel) -> list[str]:
        amount = size(model.size)
        if self.here:
            amount = translate("HubChoice", "{0}, all on this machine").format(amount)
        elif model.cached:
            amount = translate("HubChoice", "{0}, of which {1} are here").format(
                amount, size(model.cached)
            )
        licence = (
            translate("HubChoice", "licence {0}").format(model.licence)
            if model.licence
            else translate("HubChoice", "no licence")
        )
        kind = translate("HubChoice", "LoRA adapter") if self.adapter else model.architecture
        free = translate("HubChoice", "{0} free on the disk").format(size(self.disk))
        return [part for part in (amount, free, licence, kind) if part]
