"""The loaded pairs of a recipe whose base another program runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from transformers import PreTrainedTokenizerBase

from app.checkpoints.opening import OpenedRole
from app.checkpoints.prompts import check_rows, encode_prompt
from app.checkpoints.spec import CheckpointSpec, Recipe
from app.checkpoints.status import RoleInForce
from app.checkpoints.vocabulary.text_encoding import prompt_beginning
from app.decoding.ensemble import Ensemble


@dataclass(frozen=True, slots=True, eq=False)
class LoadedPairs:
    """Experts and anti-experts in memory, whose rows have the columns of the base.

    Attributes:
        recipe: The recipe.
        ensemble: The models of the pairs, without the base.
        roles: Device, dtype and so on in force for each role of the pairs.
        base: The base's files, configuration and tokenizer.
        formats: The tokenizer of each model context, and the checkpoint that names its prompt
            format.
    """

    recipe: Recipe
    ensemble: Ensemble
    roles: tuple[RoleInForce, ...]
    base: OpenedRole
    formats: tuple[tuple[PreTrainedTokenizerBase, CheckpointSpec], ...]

    def prompts(self, ids: Sequence[int]) -> list[list[int]]:
        """The prompt of each model context, from the ids that the base reads.

        A role with the base's prompt format reads the same ids. Any other reads the text of these
        ids in its own format: special tokens of the prompt stay in it, those that the base's
        tokenizer puts before every prompt do not.

        Raises:
            PromptError: A role cannot read the prompt.
        """
        found = []
        for place, (tokenizer, spec) in enumerate(self.formats):
            own = list(ids)
            if spec.prompt_format != self.base.spec.prompt_format:
                own = encode_prompt(tokenizer, spec, self._text(own))
            rows = self.ensemble.models[place].vocabulary_size
            check_rows(own, rows, self.ensemble.names[place], tokenizer)
            found.append(own)
        return found

    def _text(self, ids: list[int]) -> str:
        """The text of a prompt of the base."""
        tokenizer = self.base.tokenizer.backend_tokenizer
        beginning = prompt_beginning(tokenizer)
        if ids[: len(beginning)] == beginning:
            ids = ids[len(beginning) :]
        text: str = tokenizer.decode(ids, skip_special_tokens=False)
        return text
