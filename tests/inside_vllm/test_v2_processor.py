"""The V2 interface with vLLM's own classes and a made context, since V2 needs Triton to run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from app.checkpoints.recipes.recipe_file import write_recipe
from app.errors import SettingsError
from app.inside_vllm.additional_config import RECIPE
from tests import tiny

interface = pytest.importorskip(
    "vllm.v1.worker.gpu.sample.logits_processor", reason="vLLM is not installed"
)
pytestmark = pytest.mark.slow
SLOTS, LONGEST = 4, 64


class Runner:
    """The request slots of a model runner, and the steps that it makes."""

    def __init__(self, file: Path) -> None:
        from app.inside_vllm.v2_processor import ProxyTuning

        self.tokens = torch.zeros(SLOTS, LONGEST, dtype=torch.int64)
        self.prompt_len = np.zeros(SLOTS, np.int32)
        self.prefill_len = np.zeros(SLOTS, np.int32)
        states = interface.LogitsProcRequestState(
            device=torch.device("cpu"),
            max_num_reqs=SLOTS,
            vocab_size=tiny.VOCABULARY,
            all_token_ids=SimpleNamespace(gpu=self.tokens),
            prompt_len=SimpleNamespace(np=self.prompt_len),
            prefill_len=SimpleNamespace(np=self.prefill_len),
            total_len=None,
        )
        config = SimpleNamespace(additional_config={RECIPE: str(file)}, speculative_config=None)
        self.processor = ProxyTuning(config, states)
        self.texts: dict[int, list[int]] = {}

    def add(self, slot: int, ids: Sequence[int], prompt: int, **arguments: float) -> bool:
        self.texts[slot] = list(ids)
        self.tokens[slot, : len(ids)] = torch.tensor(ids)
        self.prompt_len[slot], self.prefill_len[slot] = prompt, len(ids)
        return bool(self.processor.add_request(slot, SimpleNamespace(extra_args=arguments)))

    def sampled(self, slot: int, token: int) -> None:
        self.texts[slot].append(token)
        self.tokens[slot, len(self.texts[slot]) - 1] = token

    def step(self, slots: Sequence[int], read: dict[int, int] | None = None) -> torch.Tensor:
        """The processed rows of some slots; of those in ``read`` only so many tokens were read."""
        lengths = [(read or {}).get(slot, len(self.texts[slot])) for slot in slots]
        last = [self.texts[slot][length - 1] for slot, length in zip(slots, lengths, strict=True)]
        context = interface.LogitsContext(
            expanded_idx_mapping=torch.tensor(slots),
            idx_mapping=torch.tensor(slots),
            idx_mapping_np=np.array(slots),
            expanded_local_pos=torch.zeros(len(slots), dtype=torch.int64),
            input_ids=torch.tensor(last),
            pos=torch.tensor(lengths) - 1,
            seq_lens_upper_bound_np=np.array(lengths),
        )
        rows: Any = self.processor.apply(torch.zeros(len(slots), tiny.VOCABULARY), context)
        assert isinstance(rows, torch.Tensor)
        return rows


@pytest.fixture
def runner(llama: tiny.Family, tmp_path: Path) -> Runner:
    file = tmp_path / "recipe.toml"
    write_recipe(llama.recipe(), file)
    return Runner(file)


def test_rows_that_change_their_places(runner: Runner, llama: tiny.Family) -> None:
    _, expert, antiexpert = llama.models()

    def check(found: torch.Tensor, slots: Sequence[int]) -> None:
        for row, slot in zip(found, slots, strict=True):
            with torch.inference_mode():
                ids = torch.tensor([runner.texts[slot]])
                expected = expert(ids).logits[0, -1] - antiexpert(ids).logits[0, -1]
            torch.testing.assert_close(row, expected, atol=1e-4, rtol=1e-4)

    assert runner.add(2, [5, 80, 33], 3)
    assert not runner.add(0, [5, 6], 2, alpha=0.0)
    assert runner.add(1, [9, 8, 7, 6, 5, 4], 6)
    half = runner.step([1, 2], read={1: 4})  # the second prompt is read in two chunks
    assert not half[0].any()
    check(half[1:], [2])
    runner.sampled(2, 77)
    check(runner.step([2, 1]), [2, 1])
    for token in (3, 4):
        runner.sampled(1, token)
        runner.sampled(2, token + 1)
        check(runner.step([1, 2]), [1, 2])
    assert not runner.step([0]).any()  # the others wait, and their caches are freed
    assert runner.processor._tuned.steps.texts == 0
    runner.sampled(1, 11)
    check(runner.step([1]), [1])
    assert runner.add(1, [1, 2, 3, 4, 5], 3)  # preempted and resumed, with two tokens of its own
    check(runner.step([1]), [1])
    for slot in (1, 2):  # requests that the pairs do not change take the places
        assert not runner.add(slot, [5, 6], 2, alpha=0.0)
    assert not runner.processor._tuned._keys  # nothing is held of the earlier ones


def test_speculative_decoding_is_refused(runner: Runner) -> None:
    config = SimpleNamespace(additional_config={}, speculative_config=object())
    with pytest.raises(SettingsError, match="speculative decoding"):
        type(runner.processor)(config, None)


def test_an_alpha_that_is_no_number_is_refused_at_admission(runner: Runner) -> None:
    with pytest.raises(ValueError, match="alpha must be a finite number"):
        runner.processor.validate_params(SimpleNamespace(extra_args={"alpha": "much"}))
