"""The model selected in the Hub dialog, with its description."""

from __future__ import annotations

from dataclasses import dataclass

from app.checkpoints.hub import HubId, HubModel
from app.ui.models.hub_results import HubRow
from app.ui.translation import translate
from app.ui.words.fit_words import too_large
from app.wording import size


@dataclass(frozen=True, slots=True)
class HubChoice:
    """A selected revision of a Hub model.

    Attributes:
        row: The facts from the search and from the cache.
        model: The facts from the Hub; None until the Hub has answered.
        disk: Free bytes on the disk of the cache, once known.
    """

    row: HubRow
    model: HubModel | None = None
    disk: int = 0

    @property
    def id(self) -> HubId:
        return self.row.id

    @property
    def downloaded(self) -> bool:
        """Whether the model can be used without a download."""
        return self.model.missing <= 0 if self.model else self.row.downloaded

    @property
    def adapter(self) -> bool:
        """Whether the model is a LoRA adapter."""
        if self.model is None:
            return self.row.adapter
        names = {file.name for file in self.model.files}
        return "adapter_config.json" in names and "config.json" not in names

    @property
    def source(self) -> str:
        """The source of the model as written in a recipe, with a prefix for an adapter."""
        return f"adapter:{self.id.source}" if self.adapter else self.id.source

    def describe(self, memory: int) -> str:
        """The description of the model in two to four lines.

        Args:
            memory: Bytes of memory of this machine.
        """
        lines = [f"{self.id} · {self.id.link}"]
        model, cached = self.model, self.row.cached
        if model:
            lines.append(" · ".join(self._facts(model)))
            lines += [warning] if (warning := too_large(model.size, memory)) else []
            if model.gated and not self.downloaded:
                lines.append(
                    translate(
                        "HubChoice",
                        "Gated model: accept its terms at the link, then log in: hf auth login",
                    )
                )
        elif cached:
            state = (
                translate("HubChoice", "downloaded")
                if cached.complete
                else translate("HubChoice", "partly downloaded")
            )
            lines.append(f"{size(cached.size)} {state} · commit {cached.commit[:7]}")
        return "\n".join(lines)

    def _facts(self, model: HubModel) -> list[str]:
        amount = size(model.size)
        if self.downloaded:
            amount = translate("HubChoice", "{0}, all downloaded").format(amount)
        elif model.cached:
            amount = translate("HubChoice", "{0}, of which {1} are downloaded").format(
                amount, size(model.cached)
            )
        licence = (
            translate("HubChoice", "licence {0}").format(model.licence)
            if model.licence
            else translate("HubChoice", "no licence given")
        )
        kind = translate("HubChoice", "LoRA adapter") if self.adapter else model.architecture
        free = translate("HubChoice", "{0} free on disk").format(size(self.disk))
        return [part for part in (amount, free, licence, kind) if part]
