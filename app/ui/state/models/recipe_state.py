"""The recipe of the window, with undoable changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QUndoCommand, QUndoStack

from app.checkpoints.endpoint_address import DEFAULT_LOGPROBS, is_endpoint
from app.checkpoints.recipes.recipe_file import write_recipe
from app.checkpoints.spec import CheckpointSpec, ExpertPair, Recipe, persona_pair
from app.decoding.types import GenerationConfig
from app.ui.state.models.recipe_names import RecipeNames
from app.ui.translation import translate

ADAPTER = "adapter:"

PERSONA = "Speak as a pirate does."
"""Default system prompt of the expert of a new persona."""


_MOST_UNDONE = 200
"""Limit of the undo stack; each change holds two recipes."""


class RecipeState(QObject):
    """The recipe with an undo stack; base class of the session, which reacts to changes.

    Args:
        recipe: The first recipe.
    """

    recipe_changed = Signal()
    """The recipe changed in more than its alphas: name, roles, pairs or sampling."""
    alphas_changed = Signal()
    """Only the alphas of the recipe changed."""

    def __init__(self, recipe: Recipe) -> None:
        super().__init__()
        self._recipe = recipe
        self._lent: Recipe | None = None
        self._reset_to = recipe
        self._names = RecipeNames()
        self.undo_stack = QUndoStack(self)
        self.undo_stack.setUndoLimit(_MOST_UNDONE)

    @property
    def recipe(self) -> Recipe:
        """The current recipe."""
        return self._recipe

    @property
    def recipe_in_use(self) -> Recipe:
        """The recipe whose models are loaded: not ``recipe`` while the window lends itself."""
        return self._lent or self._recipe

    def lend(self, recipe: Recipe | None) -> None:
        """Load the models of another recipe for a while; the one of the window stays as it is.

        None loads the models of the window's recipe again. So does another choice of them, and
        whatever needs them.
        """
        before, self._lent = self.recipe_in_use, recipe
        if self.recipe_in_use.models != before.models:
            self.load()

    def load(self) -> None:
        """Load the models of the recipe in use; the session does."""

    @property
    def edited(self) -> bool:
        """Whether the recipe differs from the one that was opened."""
        return self._recipe != self._reset_to

    @property
    def models_edited(self) -> bool:
        """Whether the recipe has other models than the one that was opened."""
        return models_named(self._recipe) != models_named(self._reset_to)

    def original_alpha(self, pair: int) -> float:
        """The α of a pair in the recipe that was opened, or 1 for an added pair."""
        pairs = self._reset_to.pairs
        return pairs[pair].alpha if pair < len(pairs) else 1.0

    def open_recipe(self, recipe: Recipe) -> None:
        """Replace the recipe; resets then use the alphas and sampling settings of the new one."""
        before, reset_before = self._recipe, self._reset_to

        def apply(opened: Recipe) -> None:
            self._reset_to = reset_before if opened is before else recipe
            self._set_recipe(opened)

        text = translate("RecipeState", "open {0}").format(recipe.name)
        self.undo_stack.push(_RecipeChange(text, before, recipe, "", apply))

    def save_recipe(self, path: Path, name: str) -> None:
        """Save the current recipe under ``name``; it then counts as the opened one."""
        recipe = replace(self._recipe, name=name)
        write_recipe(recipe, path)
        self._names.give(name)
        self._recipe = self._reset_to = recipe
        self.recipe_changed.emit()

    def rename_recipe(self, name: str) -> None:
        """Name the recipe; it keeps this name when its models change."""
        if name and name != self._recipe.name:
            self._names.give(name)
            self._change(
                translate("RecipeState", "rename recipe"), replace(self._recipe, name=name)
            )

    # Roles

    def set_source(self, place: int, source: str) -> None:
        """Choose the checkpoint of the role at index ``place`` of ``Recipe.roles``.

        An adapter is applied to the anti-expert of its pair, also when the anti-expert changes.
        """
        self._change(translate("RecipeState", "choose checkpoint"), self.with_source(place, source))

    def set_sources(self, sources: Mapping[int, str]) -> None:
        """Choose the checkpoints of several roles as one change: a source for each place."""
        recipe = self._recipe
        for place in sorted(sources, key=lambda place: (place % 2, place)):
            recipe = _with_source(recipe, place, sources[place])  # anti-experts before experts
        self._change(translate("RecipeState", "choose checkpoints"), recipe)

    def with_source(self, place: int, source: str) -> Recipe:
        """The recipe that :meth:`set_source` would make.

        Raises:
            RecipeError: If the role cannot have such a checkpoint.
        """
        return _with_source(self._recipe, place, source)

    def set_spec(self, place: int, spec: CheckpointSpec) -> None:
        """Replace all options of the role at ``place``: checkpoint, dtype, prompt format, …"""
        if spec != self._recipe.checkpoints()[place]:
            self._change(
                translate("RecipeState", "change options"), self._recipe.with_role(place, spec)
            )

    def set_formats(self, recipe: Recipe) -> None:
        """Take over the prompt formats of ``recipe``, which has the same roles, as one change."""
        changed = replace(self._recipe, prompt=recipe.prompt, system=recipe.system)
        for place, spec in enumerate(recipe.checkpoints()):
            mine = changed.checkpoints()[place]
            changed = changed.with_role(place, mine.with_format(spec.prompt_format))
        self._change(translate("RecipeState", "change prompt format"), changed)

    def apply_difference(self, text: str, before: Recipe, after: Recipe) -> None:
        """Apply the difference between two checked recipes to the current recipe.

        Checked recipes have device and dtype of the preferences filled in, which must not become
        part of the recipe.
        """
        self._change(text, carry_over(self._recipe, before, after))

    def set_vocabulary(self, vocabulary: str) -> None:
        """Choose how pairs of another vocabulary read the base's tokens."""
        recipe = self._recipe.with_role(0, replace(self._recipe.base, vocabulary=vocabulary))
        pairs = tuple(replace(pair, vocabulary="") for pair in recipe.pairs)
        text = translate("RecipeState", "change the reading of another tokenizer")
        self._change(text, replace(recipe, pairs=pairs))

    def set_context(self, context: int) -> None:
        """Set the maximum number of tokens of prompt and run; 0 for the models' own limit."""
        if context != self._recipe.context:
            self._change(
                translate("RecipeState", "change context"), replace(self._recipe, context=context)
            )

    def accept_ids(self, ids: tuple[int, ...]) -> None:
        """Allow ids whose tokens differ between roles to be generated."""
        if ids != self._recipe.accepted_ids:
            self._change(
                translate("RecipeState", "accept ids"), replace(self._recipe, accepted_ids=ids)
            )

    # Pairs

    def set_alpha(self, pair: int, alpha: float) -> None:
        """Set the α of a pair; active runs use it from their next token on."""
        alphas = list(self._recipe.alphas)
        if alphas[pair] == alpha:
            return
        alphas[pair] = alpha
        recipe = self._recipe.with_alphas(tuple(alphas))
        self._change(translate("RecipeState", "change α"), recipe, merge=f"alpha {pair}")

    def reset_alpha(self, pair: int) -> None:
        """Set the α of a pair to :meth:`original_alpha`."""
        self.set_alpha(pair, self.original_alpha(pair))

    def rename_pair(self, pair: int, name: str) -> None:
        """Rename a pair; it keeps this name when its expert changes."""
        self._names.give_pair(name)
        pairs = list(self._recipe.pairs)
        pairs[pair] = replace(pairs[pair], name=name)
        self._change(
            translate("RecipeState", "rename pair"), replace(self._recipe, pairs=tuple(pairs))
        )

    def add_pair(self) -> None:
        """Add a pair with the same model as expert and anti-expert, which has no effect yet."""
        neutral = self._recipe.pairs[-1].antiexpert
        self._add(ExpertPair(f"Pair {len(self._recipe.pairs) + 1}", neutral, neutral))

    def add_persona(self, chat: bool) -> None:
        """Add a pair of the base's model whose expert differs only in its system prompt.

        For a base behind an endpoint, the model of the first anti-expert is used.

        Args:
            chat: Whether the model has a chat template, which the expert then uses.
        """
        name = f"Persona {len(self._recipe.pairs) + 1}"
        base = self._recipe.base
        model = self._recipe.pairs[0].antiexpert if base.is_endpoint else base
        self._add(persona_pair(model, name, PERSONA, chat=chat))

    def remove_pair(self, pair: int) -> None:
        """Remove a pair; a recipe keeps at least one."""
        pairs = self._recipe.pairs[:pair] + self._recipe.pairs[pair + 1 :]
        self._change(translate("RecipeState", "remove pair"), replace(self._recipe, pairs=pairs))

    def _add(self, pair: ExpertPair) -> None:
        self._change(
            translate("RecipeState", "add pair"),
            replace(self._recipe, pairs=(*self._recipe.pairs, pair)),
        )

    def set_sampling(self, sampling: GenerationConfig) -> None:
        """Set the sampling settings of the next run."""
        if sampling != self._recipe.sampling:
            recipe = replace(self._recipe, sampling=sampling)
            self._change(translate("RecipeState", "change sampling"), recipe, merge="sampling")

    def bias_token(self, token_id: int, added: float) -> None:
        """Add a number to the logit of a token in the next runs; 0 removes its bias."""
        sampling = self._recipe.sampling
        others = tuple(bias for bias in sampling.logit_bias if bias[0] != token_id)
        bias = (*others, (token_id, added)) if added else others
        recipe = replace(self._recipe, sampling=replace(sampling, logit_bias=bias))
        self._change(translate("RecipeState", "change logit bias"), recipe)

    def set_seed(self, seed: int | None) -> None:
        """Pin the seed of the next runs; None gives each run a new one.

        Raises:
            SettingsError: If there is no such seed.
        """
        if seed is None:
            opened = self._reset_to
            unused = opened.sampling.seed if opened.new_seeds else GenerationConfig().seed
            recipe = replace(self._recipe.with_seed(unused), new_seeds=True)
        else:
            recipe = self._recipe.with_seed(seed)
        self._change(translate("RecipeState", "change sampling"), recipe, merge="sampling")

    def reset_sampling(self) -> None:
        """Use the sampling settings of the recipe that was opened."""
        opened = self._reset_to
        recipe = replace(self._recipe, sampling=opened.sampling, new_seeds=opened.new_seeds)
        self._change(translate("RecipeState", "change sampling"), recipe, merge="sampling")

    # Undo

    def _change(self, text: str, recipe: Recipe, merge: str = "") -> None:
        recipe = self._names.follow(self._recipe, recipe, self._reset_to)
        if recipe != self._recipe:
            change = _RecipeChange(text, self._recipe, recipe, merge, self._set_recipe)
            self.undo_stack.push(change)

    def _set_recipe(self, recipe: Recipe) -> None:
        before, self._recipe = self._recipe, recipe
        if recipe.models != before.models:
            self._lent = None
        if _without_alphas(recipe) == _without_alphas(before):
            self.alphas_changed.emit()
        else:
            self.recipe_changed.emit()


def _without_alphas(recipe: Recipe) -> Recipe:
    return recipe.with_alphas((0.0,) * len(recipe.pairs))


def models_named(recipe: Recipe) -> list[tuple[str, str]]:
    """Source and adapted model of every role."""
    return [(spec.source, spec.over) for spec in recipe.checkpoints()]


def carry_over(recipe: Recipe, before: Recipe, after: Recipe) -> Recipe:
    """``recipe`` with the differences between ``before`` and ``after`` in roles and context."""
    triples = list(
        zip(recipe.checkpoints(), before.checkpoints(), after.checkpoints(), strict=True)
    )
    for place, (mine, old, new) in enumerate(triples):
        differing = {
            name: getattr(new, name)
            for name in CheckpointSpec.__dataclass_fields__
            if getattr(new, name) != getattr(old, name)
        }
        recipe = recipe.with_role(place, replace(mine, **differing))
    return recipe if after.context == before.context else replace(recipe, context=after.context)


def _with_source(recipe: Recipe, place: int, source: str) -> Recipe:
    specs = recipe.checkpoints()
    mine = specs[place]
    index, antiexpert = divmod(place - 1, 2)
    if place == 0 or antiexpert:
        over = mine.over if source == mine.source else ""
    else:
        below = recipe.pairs[index].antiexpert
        over = (below.over or below.source) if source.startswith(ADAPTER) else ""
    if not is_endpoint(source):
        mine = replace(mine, model="", top_logprobs=DEFAULT_LOGPROBS, tuned=False)
    recipe = recipe.with_role(place, replace(mine, source=source, over=over))
    expert = recipe.pairs[index].expert if place and antiexpert else None
    if expert and expert.over == mine.source:
        recipe = recipe.with_role(place - 1, replace(expert, over=source))
    return recipe


class _RecipeChange(QUndoCommand):
    """Undoable change of the recipe; consecutive changes with the same ``merge`` are merged."""

    def __init__(
        self, text: str, before: Recipe, after: Recipe, merge: str, apply: Callable[[Recipe], None]
    ) -> None:
        super().__init__(text)
        self._before = before
        self._after = after
        self._merge = merge
        self._apply = apply

    def redo(self) -> None:
        self._apply(self._after)

    def undo(self) -> None:
        self._apply(self._before)

    def id(self) -> int:
        return hash(self._merge) & 0x7FFFFFFF if self._merge else -1

    def mergeWith(self, other: QUndoCommand) -> bool:  # noqa: N802 — Qt's name
        if not isinstance(other, _RecipeChange) or other._merge != self._merge:
            return False
        self._after = other._after
        return True
