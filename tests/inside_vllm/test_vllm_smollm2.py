"""SmolLM2-135M in a real vLLM server against Tuneshift's own decoding of the same recipe."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM

from app.checkpoints.loading.loaded_recipe import LoadedRecipe
from app.checkpoints.loading.loader import load_recipe
from app.checkpoints.opening import open_recipe
from app.checkpoints.recipes.recipe_file import write_recipe
from app.checkpoints.spec import CheckpointSpec, ExpertPair, Recipe
from app.checkpoints.vocabulary.compare import compare_vocabularies
from app.decoding.decode import decode
from app.decoding.types import GenerationConfig
from tests.inside_vllm.running_server import CONTEXT, Asked, Server, running, save_adapter
from tests.real import smollm2

pytestmark = [
    pytest.mark.real,
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(importlib.util.find_spec("vllm") is None, reason="vLLM is not installed"),
    # PEFT asks transformers for a name that is going away.
    pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing.:FutureWarning"),
]
TIE = 2e-3
"""The rows of a batch are rounded otherwise: logits that are nearer may change their order."""
PROMPTS = (
    "The capital of France is",
    "Water boils at",
    "Question: How many days has a week?\nAnswer:",
    "Once upon a time there was a king who had three daughters. The eldest of them",
    "def add(a, b):\n",
    "The sun rises in the east and sets in the west. Water boils at one hundred degrees Celsius, "
    "and it freezes at zero. Every year has twelve months, and every week has",
    "Dear Sir,",
    "Ahoy",
)
ALPHAS = ((1.0, 0.5), (0.0, 0.0), (-0.5, 1.5), (1.5, 0.0), (0.0, -1.0))


@dataclass
class SmolLM2:
    """One checkpoint in every role: a pair differs by its prompt, the other by a LoRA adapter."""

    folder: Path
    base: Path

    def make(self) -> Path:
        model = AutoModelForCausalLM.from_pretrained(self.base, dtype=torch.float32)
        save_adapter(model, ["q_proj", "v_proj"], 0.05, self.folder / "adapter")
        file = self.folder / "recipe.toml"
        write_recipe(self.recipe(), file)
        return file

    def recipe(self) -> Recipe:
        source = f"folder:{self.base}"
        plain = CheckpointSpec(source, dtype="float32")
        pirate = CheckpointSpec(source, dtype="float32", prompt="A pirate says: “{prompt}")
        adapter = CheckpointSpec(f"adapter:{self.folder / 'adapter'}", over=source, dtype="float32")
        pairs = ExpertPair("One", pirate, plain), ExpertPair("Lora", adapter, plain)
        return Recipe("SmolLM2", plain, pairs, context=CONTEXT)

    @cached_property
    def loaded(self) -> LoadedRecipe:
        opened = open_recipe(self.recipe())
        return load_recipe(opened, compare_vocabularies(opened).masked_ids)

    def check(self, prompt: str, asked: Asked, ids: list[int]) -> bool:
        """Check a greedy text against Tuneshift's own; whether it was the same to the end."""
        loaded = self.loaded
        prompts = loaded.encode(prompt)
        assert asked.prompt == tuple(prompts[0])
        steps = decode(
            loaded.ensemble,
            prompts,
            GenerationConfig(max_new_tokens=asked.tokens, temperature=0.0, top_p=1.0),
            detokenizer=loaded.detokenizer(prompts[0]),
            eos_ids=loaded.eos_ids,
            alphas=lambda: asked.alphas,
        )
        own = 0
        for step, token in zip(steps, ids, strict=False):
            if step.token_id != token:
                rows = step.kept_logits
                shifts = [e - a for e, a in zip(rows.experts, rows.antiexperts, strict=True)]
                tuned = rows.base + np.tensordot(asked.alphas, np.stack(shifts), 1)
                assert tuned[step.token_id] - tuned[token] < TIE
                return False
            own += 1
        ended = next(steps, None) is None and set(ids[own:]) <= set(loaded.eos_ids)
        assert ended
        return True


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("smollm2")
    with pytest.MonkeyPatch.context() as patch:
        source = f"gguf:{smollm2.require()}"
        patch.setenv("XDG_CACHE_HOME", str(smollm2.FOLDER / "cache"))
        spec = CheckpointSpec(source, engine="transformers")
        opened = open_recipe(Recipe("r", spec, (ExpertPair("A", spec, spec),)))
        with running(SmolLM2(folder, opened.roles[0].files.folder)) as found:
            yield found


def asked(server: Server) -> list[tuple[str, Asked]]:
    """16 requests with α, lengths and prompts of their own."""
    found = []
    for number in range(16):
        prompt = PROMPTS[number % len(PROMPTS)]
        (ids, *_) = server.models.loaded.encode(prompt)
        alphas = ALPHAS[number % len(ALPHAS)]
        found.append((prompt, Asked(tuple(ids), alphas, 4 + 3 * (number % 4))))
    return found


def test_one_client_gets_the_text_of_tuneshift(server: Server) -> None:
    prompt, one = asked(server)[0]
    (ids,) = server.complete(one)
    assert server.models.check(prompt, one, ids)


def test_16_clients_get_the_texts_of_tuneshift(server: Server) -> None:
    requests = asked(server)
    with ThreadPoolExecutor(len(requests)) as clients:
        answers = list(clients.map(lambda each: server.complete(each[1]), requests))
    same = [
        server.models.check(prompt, one, ids)
        for (prompt, one), (ids,) in zip(requests, answers, strict=True)
    ]
    assert sum(same) >= len(same) - 2
