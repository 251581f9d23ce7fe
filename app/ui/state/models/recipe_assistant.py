"""The choices of the New recipe assistant, and the recipe that they make."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from app.checkpoints.candidates.local_model import LocalModel
from app.checkpoints.candidates.model_names import Tuning
from app.checkpoints.candidates.partners import (
    Misfit,
    Partner,
    Partners,
    adapted_model,
    antiexperts_for,
    is_shipped,
    partners_for,
    possible_bases,
)
from app.checkpoints.spec import CHAT, PLAIN, CheckpointSpec, ExpertPair, Recipe


class RecipeAssistant(QObject):
    """Proposes partners, names and a prompt format for a base; every proposal can be changed."""

    changed = Signal()
    """The models, a choice or a name changed."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._models: tuple[LocalModel, ...] = ()
        self._wanted: Path | None = None
        self._base_chosen = False
        self._expert_chosen = False
        self._antiexpert_chosen = False
        self._typed_name: str | None = None
        self._typed_pair: str | None = None
        self._chat: bool | None = None
        self.bases: tuple[LocalModel, ...] = ()
        self.partners = Partners()
        self.antiexperts: tuple[Partner, ...] = ()
        self.base: LocalModel | None = None
        self.expert: Partner | None = None
        self.misfit: Misfit | None = None
        self.antiexpert: Partner | None = None

    def show_models(self, models: Sequence[LocalModel], wanted: Path | None = None) -> None:
        """Take over the result of a search; what the user chose is kept if it is still there.

        Args:
            models: The models on this disk.
            wanted: The folder or file of a model that is to be chosen, in the role that suits it.
        """
        self._wanted = wanted or self._wanted
        self._models = tuple(models)
        self.bases = tuple(possible_bases(models))
        named = self._find_wanted()
        if named:
            self._choose_wanted(named)
        else:
            base = self._chosen_base() or (self.bases[0] if self.bases else None)
            self._set_base_again(base)
        self.changed.emit()

    # Choices

    def choose_base(self, base: LocalModel) -> None:
        """Choose the base; an expert that the user chose stays if it goes with it."""
        self._base_chosen = True
        self._set_base_again(base)
        self.changed.emit()

    def choose_expert(self, chosen: Partner | Misfit) -> None:
        """Choose an expert, with its untuned version as anti-expert; a misfit makes no recipe."""
        self._expert_chosen, self._antiexpert_chosen = True, False
        self._set_expert(chosen)
        self.changed.emit()

    def choose_antiexpert(self, antiexpert: Partner) -> None:
        """Choose an anti-expert, for the expert that is shown."""
        self._expert_chosen = self._antiexpert_chosen = True
        self.antiexpert = antiexpert
        self.changed.emit()

    def set_name(self, name: str) -> None:
        """Name the recipe; an empty name returns to the proposed one."""
        self._typed_name = name.strip() or None
        self.changed.emit()

    def set_pair_name(self, name: str) -> None:
        """Name the pair; an empty name returns to the proposed one."""
        self._typed_pair = name.strip() or None
        self.changed.emit()

    def set_chat(self, chat: bool) -> None:
        """Choose between the chat templates of the models and plain text."""
        self._chat = chat
        self.changed.emit()

    # The recipe

    @property
    def proposed_name(self) -> str:
        """A name after the base and the expert."""
        if self.base is None or self.expert is None:
            return ""
        return f"{self.base.title} + {self.expert.model.title}"

    @property
    def proposed_pair_name(self) -> str:
        """A name after the expert."""
        return self.expert.model.title if self.expert else ""

    @property
    def name(self) -> str:
        return self._typed_name or self.proposed_name

    @property
    def pair_name(self) -> str:
        return self._typed_pair or self.proposed_pair_name

    @property
    def can_chat(self) -> bool:
        """Whether one of the chosen models has a chat template."""
        return any(has_template for _, has_template in self.chat_templates())

    @property
    def chat(self) -> bool:
        """Whether the models read a conversation in their chat templates, where they have one."""
        return self.can_chat if self._chat is None else self._chat and self.can_chat

    def chat_templates(self) -> list[tuple[LocalModel, bool]]:
        """The chosen models, and whether each has a chat template."""
        chosen = [Partner(self.base, ())] if self.base else []
        chosen += [partner for partner in (self.expert, self.antiexpert) if partner]
        return [(partner.model, has_chat_template(partner)) for partner in chosen]

    @property
    def recipe(self) -> Recipe | None:
        """The recipe of the choices, or None as long as it lacks a role."""
        if self.base is None or self.expert is None or self.antiexpert is None:
            return None
        base, expert, antiexpert = map(
            self._spec, (Partner(self.base, ()), self.expert, self.antiexpert)
        )
        pair = ExpertPair(self.pair_name, expert, antiexpert)
        prompt = CHAT if self.chat else PLAIN
        return Recipe(self.name, base, (pair,), prompt=prompt, new_seeds=True)

    def _spec(self, partner: Partner) -> CheckpointSpec:
        chat = self.chat and has_chat_template(partner)
        over = partner.over.source if partner.over else ""
        return CheckpointSpec(partner.model.source, over=over, prompt=CHAT if chat else PLAIN)

    # Proposals

    def _chosen_base(self) -> LocalModel | None:
        """The base that the user chose, or for which the expert was chosen, if it is there."""
        if self.base is None or not (self._base_chosen or self._expert_chosen):
            return None
        source = self.base.source
        return next((model for model in self.bases if model.source == source), None)

    def _set_base_again(self, base: LocalModel | None) -> None:
        """Set the base, with the best partners or those that the user chose."""
        expert = self.expert or self.misfit if self._expert_chosen else None
        antiexpert = self.antiexpert if self._antiexpert_chosen else None
        self._set_base(base)
        if expert:
            self._choose_again(expert.model.source, antiexpert.model.source if antiexpert else "")

    def _set_base(self, base: LocalModel | None) -> None:
        self.base = base
        self.partners = partners_for(base, self._models) if base else Partners()
        experts = self.partners.possible
        self._set_expert(experts[0] if experts else None)

    def _set_expert(self, chosen: Partner | Misfit | None) -> None:
        self.expert = chosen if isinstance(chosen, Partner) else None
        self.misfit = chosen if isinstance(chosen, Misfit) else None
        self.antiexperts, self.antiexpert = (), None
        if self.base and self.expert:
            self.antiexperts = antiexperts_for(self.base, self.expert, self._models)
            self.antiexpert = self.antiexperts[0]

    def _choose_again(self, expert: str, antiexpert: str) -> None:
        again = next((it for it in self.partners.possible if it.model.source == expert), None)
        if again is None:
            return
        self._set_expert(again)
        for partner in self.antiexperts:
            if partner.model.source == antiexpert:
                self.antiexpert = partner

    def _find_wanted(self) -> LocalModel | None:
        """The wanted model once the search has found it."""
        if self._wanted is None:
            return None
        here = self._wanted.resolve()
        found = next((model for model in self._models if model.folder.resolve() == here), None)
        self._wanted = None if found else self._wanted
        return found

    def _choose_wanted(self, model: LocalModel) -> None:
        """Choose a model as the expert if it is an adapter or instruct model, else as the base."""
        base: LocalModel | None = None
        if model.is_adapter:
            base = adapted_model(model, self._models)
        elif model.tuning is Tuning.INSTRUCT:
            base = next((it for it in self.bases if self._suits(it, model)), None)
        self._base_chosen, self._expert_chosen, self._antiexpert_chosen = True, False, False
        if base is None and model in self.bases:
            self._set_base(model)
        else:
            self._set_base(base or (self.bases[0] if self.bases else None))
            self._choose_model(model)

    def _suits(self, base: LocalModel, expert: LocalModel) -> bool:
        """Whether an untuned model that is not shipped can be the base of an expert."""
        if base is expert or base.tuning is Tuning.INSTRUCT or is_shipped(base):
            return False
        return any(partner.model is expert for partner in partners_for(base, self._models).experts)

    def _choose_model(self, model: LocalModel) -> None:
        listed: tuple[Partner | Misfit, ...] = (*self.partners.possible, *self.partners.misfits)
        for item in listed:
            if item.model is model:
                self._expert_chosen = True
                self._set_expert(item)


def has_chat_template(partner: Partner) -> bool:
    """Whether a model, or the model that an adapter adapts, has a chat template."""
    over = partner.over
    own = partner.model.has_chat_template
    return own or (over.has_chat_template if over and partner.model.vocabulary is None else False)
