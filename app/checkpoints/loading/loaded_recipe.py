"""A loaded recipe: its models in memory, joined into an ensemble, and its prompt encoding."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from transformers import PreTrainedTokenizerBase

from app.checkpoints.conversation import Prompt
from app.checkpoints.loading.loaded_weights import LoadedWeights
from app.checkpoints.prompts import check_rows, encode_continuation, encode_prompt
from app.checkpoints.spec import CheckpointSpec, Recipe
from app.checkpoints.status import RoleInForce
from app.checkpoints.structured_output import StructuredOutput
from app.checkpoints.vocabulary.compare import token_labels
from app.checkpoints.vocabulary.text_aligner import TextAligner
from app.checkpoints.weights_key import WeightsKey
from app.decoding.bridge.bridged_model import BridgedLanguageModel
from app.decoding.detokenizer import Detokenizer
from app.decoding.ensemble import Ensemble
from app.decoding.thinking import Thinking, ThinkingForm, thinking_after

T = TypeVar("T")


_LONGEST_MARK = 24
"""Tokens at the end of a prompt in which a mark of thinking is looked for."""
Weights = Mapping[WeightsKey, LoadedWeights]


@dataclass(frozen=True, slots=True, eq=False)
class LoadedRecipe:
    """A recipe whose models are in memory.

    Attributes:
        recipe: The recipe.
        ensemble: The roles, ready to decode.
        roles: Device, dtype and so on in force for each role, in the order of ``Recipe.roles``.
        eos_ids: Union of the end-of-sequence ids of all roles.
        weights: The models by weights key; some share tensors.
        thinking_forms: The marks of thinking in the chat templates and tokens of the roles.
        structured_output: Makes the masks of texts that must have a structure.
    """

    recipe: Recipe
    ensemble: Ensemble
    roles: tuple[RoleInForce, ...]
    eos_ids: frozenset[int]
    weights: Weights
    thinking_forms: tuple[ThinkingForm, ...]
    structured_output: StructuredOutput
    _prompts: tuple[tuple[PreTrainedTokenizerBase, CheckpointSpec], ...]
    _context_of_role: tuple[int, ...]

    def encode(
        self, prompt: Prompt, cancelled: Callable[[], bool] = lambda: False
    ) -> list[list[int]]:
        """The token ids of the prompt for each model context, in its role's prompt format.

        Raises:
            PromptError: A role cannot read the prompt.
            Cancelled: When ``cancelled`` says so.
        """
        return [self.encode_for(index, prompt, cancelled) for index in range(len(self._prompts))]

    def encode_for(
        self, index: int, prompt: Prompt, cancelled: Callable[[], bool] = lambda: False
    ) -> list[int]:
        """The token ids of the prompt for the model context at this index.

        Raises:
            PromptError: The role cannot read the prompt.
            Cancelled: When ``cancelled`` says so.
        """
        tokenizer, spec = self._prompts[index]
        return self.prompt_ids(index, encode_prompt(tokenizer, spec, prompt, cancelled))

    def prompt_ids(self, index: int, ids: Sequence[int]) -> list[int]:
        """Ids of a prompt in a role's own tokenizer, as its model context reads them.

        Raises:
            PromptError: An id has no row.
        """
        model = self.ensemble.models[index]
        if not isinstance(model, BridgedLanguageModel):
            self.check_ids(index, ids)
            return list(ids)
        rows = model.inner.vocabulary_size
        check_rows(ids, rows, self.ensemble.names[index], self._prompts[index][0])
        return model.own(ids)

    def check_ids(self, index: int, ids: Sequence[int]) -> None:
        """Check that the embedding of the model context at this index has a row for every id.

        Raises:
            PromptError: An id has no row.
        """
        ensemble = self.ensemble
        rows = ensemble.models[index].vocabulary_size
        check_rows(ids, rows, ensemble.names[index], self._prompts[index][0])

    def check_following(self, ids: Sequence[int], role: int | None = None) -> None:
        """Check that the models have embedding rows for ids that follow a prompt.

        Args:
            ids: Token ids, for example of a text to be scored.
            role: The index of the role that reads them, or None for all roles.

        Raises:
            PromptError: An id has no row.
        """
        indices = range(len(self._prompts)) if role is None else [self.context_index(role)]
        for index in indices:
            self.check_ids(index, ids)

    def thinking(self, prompts: Sequence[Sequence[int]], role: int | None) -> Thinking:
        """How a run may think.

        Args:
            prompts: The prompt of each model context.
            role: The index of the only role that generates, or None for all roles.
        """
        indices = range(len(prompts)) if role is None else [self.context_index(role)]
        ends = (
            self._prompts[index][0].backend_tokenizer.decode(
                self._own_ids(index, prompts[index][-_LONGEST_MARK:]), skip_special_tokens=False
            )
            for index in indices
        )
        return thinking_after(ends, self.thinking_forms)

    def _own_ids(self, index: int, ids: Sequence[int]) -> list[int]:
        """Ids that :meth:`prompt_ids` made, in the role's own tokenizer again."""
        model = self.ensemble.models[index]
        first = model.vocabulary_size if isinstance(model, BridgedLanguageModel) else 0
        return [each - first for each in ids]

    def encode_continuation(self, text: str) -> list[int]:
        """The token ids of a text that follows a prompt, in the base's tokenizer."""
        return encode_continuation(self._prompts[0][0], text)

    def text_aligners(self) -> tuple[TextAligner, ...]:
        """What shows texts in tokens of the base and of each pair of another vocabulary."""
        base = self._prompts[0][0].backend_tokenizer
        found = []
        for pair in range(len(self.recipe.pairs)):
            index = self.context_index(1 + 2 * pair)
            model = self.ensemble.models[index]
            if isinstance(model, BridgedLanguageModel):
                own = self._prompts[index][0].backend_tokenizer
                found.append(TextAligner(pair, base, own, model.bridge))
        return tuple(found)

    @property
    def formats(self) -> tuple[tuple[PreTrainedTokenizerBase, CheckpointSpec], ...]:
        """The tokenizer of each model context, and the checkpoint that names its prompt format."""
        return self._prompts

    def context_index(self, role: int) -> int:
        """The index of the model context of the role at index ``role`` of ``roles``."""
        return self._context_of_role[role]

    def by_role(self, values: Sequence[T]) -> list[T]:
        """Spread one value per model context over the roles, in the order of ``roles``."""
        return [values[index] for index in self._context_of_role]

    @property
    def context_length(self) -> int | None:
        """The shortest context of the models in tokens; None without a limit."""
        lengths = (model.context_length for model in self.ensemble.models)
        return min((length for length in lengths if length is not None), default=None)

    def held_bytes(self) -> dict[str, int]:
        """Bytes of weights on each device."""
        held = Counter[str]({"cpu": self.packed_bytes})
        parts = {part.identity: part for each in self.weights.values() for part in each.parts()}
        for part in parts.values():  # an adapted model shares its tensors with another
            held[part.device] += part.size
        return dict(+held)

    @property
    def packed_bytes(self) -> int:
        """Bytes of packed copies of weights, which some models share."""
        packed = dict[int, int]()
        for weights in self.weights.values():
            packed |= weights.packed()
        return sum(packed.values())

    def detokenizer(self, prompt: Sequence[int]) -> Detokenizer:
        """Incremental decoding in the base's tokenizer, after the base's prompt ids."""
        return Detokenizer(self._prompts[0][0].backend_tokenizer, prompt)

    def token_labels(self) -> list[str]:
        """A label for each id of the base, [V]."""
        return token_labels(
            self._prompts[0][0].backend_tokenizer, range(self.ensemble.vocabulary_size)
        )
