"""A real model: SmolLM2-135M-Instruct from its GGUF file, as base, expert and anti-expert."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel

from app.checkpoints.formats import gguf
from app.checkpoints.loading.loaded_recipe import LoadedRecipe
from app.checkpoints.loading.loader import load_recipe
from app.checkpoints.opening import open_recipe
from app.checkpoints.recipes.recipe_file import write_recipe
from app.checkpoints.spec import CheckpointSpec, ExpertPair, Recipe
from app.checkpoints.vocabulary.compare import compare_vocabularies
from app.decoding.decode import decode
from app.decoding.types import GenerationConfig
from tests.bench.memory import measure_recipe_apart
from tests.engine.held_memory import measure_apart
from tests.real import smollm2

pytestmark = [
    pytest.mark.real,
    pytest.mark.timeout(600),
    # PEFT asks transformers for a name that is going away.
    pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing.:FutureWarning"),
]

PARAMETERS = 134_515_008
QUESTION = "What is the capital of France?"
PASSAGE = (
    "The sun rises in the east and sets in the west. Water boils at one hundred degrees Celsius, "
    "and it freezes at zero. Every year has twelve months, and every week has seven days."
)


_ON_LINUX = Path("/proc/self/clear_refs").exists()


@pytest.fixture(scope="module")
def spec() -> Iterator[CheckpointSpec]:
    """The GGUF file, whose conversion is kept beside it for the next run."""
    with pytest.MonkeyPatch.context() as patch:
        path = smollm2.require()
        patch.setenv("XDG_CACHE_HOME", str(smollm2.FOLDER / "cache"))
        yield CheckpointSpec(f"gguf:{path}", engine="transformers")


@pytest.fixture(scope="module")
def folder(spec: CheckpointSpec) -> Path:
    """The converted checkpoint."""
    return open_recipe(alone(spec)).roles[0].files.folder


def alone(spec: CheckpointSpec, **options: Any) -> Recipe:
    """The same checkpoint in every role."""
    spec = changed(spec, **options)
    return Recipe("r", spec, (ExpertPair("A", spec, spec),))


def changed(spec: CheckpointSpec, **options: Any) -> CheckpointSpec:
    return CheckpointSpec(
        **{"source": spec.source, "engine": spec.engine, "dtype": "auto", **options}
    )


def load(recipe: Recipe) -> LoadedRecipe:
    opened = open_recipe(recipe)
    return load_recipe(opened, compare_vocabularies(opened).masked_ids)


def write(loaded: LoadedRecipe, prompt: str, alpha: float = 1.0, tokens: int = 24) -> str:
    """Greedy text."""
    with torch.inference_mode():
        prompts = loaded.encode(prompt)
        steps = decode(
            loaded.ensemble,
            prompts,
            GenerationConfig(max_new_tokens=tokens, temperature=0.0, top_p=1.0),
            detokenizer=loaded.detokenizer(prompts[0]),
            eos_ids=loaded.eos_ids,
            alphas=lambda: (alpha,) * len(loaded.ensemble.pairs),
        )
        return "".join(step.text for step in steps)


def held(loaded: LoadedRecipe) -> int:
    return loaded.held_bytes()["cpu"]


def test_the_gguf_file_is_converted(spec: CheckpointSpec, folder: Path) -> None:
    header = gguf.read_header(smollm2.FILE)
    assert (header.architecture, header.dtype) == ("llama", "BF16")
    assert header.converted_bytes == 2 * PARAMETERS
    loaded = load(alone(spec))
    (role, *_) = loaded.roles
    assert (role.parameters, role.dtype, role.quantization) == (PARAMETERS, "bfloat16", "none")
    assert folder.is_relative_to(smollm2.FOLDER / "cache")
    tokenizer = AutoTokenizer.from_pretrained(folder)
    for text in (PASSAGE, "naïve café 12345\n\n\tdef f(x): return x  # 🙂"):
        assert tokenizer.decode(tokenizer(text)["input_ids"]) == text


def test_it_answers_in_its_chat_template(spec: CheckpointSpec) -> None:
    loaded = load(alone(spec, prompt="chat"))
    (ids, *_) = loaded.encode(QUESTION)
    prompt = loaded.detokenizer([])
    assert ids.count(1) == 3  # <|im_start|> of system, user and assistant, each one token
    assert ids.count(2) == 2
    assert 2 in loaded.eos_ids
    assert prompt is not None
    assert "Paris" in write(loaded, QUESTION)


def test_a_persona_needs_one_model(spec: CheckpointSpec) -> None:
    """Base, expert and anti-expert are one model; only the expert has a system prompt."""
    plain = changed(spec, prompt="chat")
    persona = changed(
        spec, prompt="chat", system="You are a pirate. Talk like a pirate: arr, matey!"
    )
    loaded = load(Recipe("r", plain, (ExpertPair("Pirate", persona, plain),)))
    assert held(loaded) < 1.01 * 2 * PARAMETERS
    assert [role.shared for role in loaded.roles] == [False, True, True]
    assert loaded.by_role("be") == ["b", "e", "b"]
    forwards = count_forwards(loaded)
    without, with_persona = (write(loaded, "Who are you?", alpha) for alpha in (0.0, 2.0))
    assert len(forwards) % 2 == 0
    assert without != with_persona
    words = ("arr", "matey", "pirate", "sea", "ship", "ahoy")
    assert not any(word in without.lower() for word in words)
    assert any(word in with_persona.lower() for word in words)


def count_forwards(loaded: LoadedRecipe) -> list[int]:
    seen: list[int] = []
    (weights,) = loaded.weights.values()
    weights.model.register_forward_pre_hook(lambda module, given: seen.append(1))
    return seen


@pytest.fixture(scope="module")
def passage_logits(spec: CheckpointSpec) -> torch.Tensor:
    return logits_of(load(alone(spec)))


def logits_of(loaded: LoadedRecipe) -> torch.Tensor:
    """Log-probabilities at every token of the passage, [tokens, V]."""
    with torch.inference_mode():
        (ids, *_) = loaded.encode(PASSAGE)
        loaded.ensemble.prefill([ids[:1]])
        return torch.log_softmax(loaded.ensemble.extend(ids[1:], len(ids) - 1).rows[0], -1)


@pytest.mark.parametrize(
    ("quantization", "most_share", "most_kl"), [("int8", 0.62, 0.05), ("nf4", 0.45, 0.6)]
)
def test_quantized_on_the_cpu(
    spec: CheckpointSpec,
    passage_logits: torch.Tensor,
    quantization: str,
    most_share: float,
    most_kl: float,
) -> None:
    """Smaller, and close to the unquantized model: the divergence is a mean over the passage."""
    loaded = load(alone(spec, quantization=quantization))
    assert {role.quantization for role in loaded.roles} == {quantization}
    found = logits_of(loaded)
    divergence = (passage_logits.exp() * (passage_logits - found)).sum(-1).mean()
    assert 0 < divergence < most_kl
    assert held(loaded) < most_share * 2 * PARAMETERS
    assert write(loaded, "The capital of France is", tokens=4).strip()


@pytest.fixture(scope="module")
def adapter(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A LoRA adapter that was trained in a few steps to greet like a sailor."""
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(0)
    base = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    model = get_peft_model(
        base, LoraConfig(r=8, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    )
    tokenizer = AutoTokenizer.from_pretrained(folder)
    ids = tokenizer("The captain said: Ahoy, ye landlubbers!", return_tensors="pt")["input_ids"]
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=2e-3)
    for _ in range(8):
        loss = model(input_ids=ids, labels=ids).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    target = tmp_path_factory.mktemp("adapter")
    model.save_pretrained(target)
    return target


def merged(folder: Path, adapter: Path) -> PreTrainedModel:
    from peft import PeftModel

    base = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    model: PreTrainedModel = PeftModel.from_pretrained(base, adapter).merge_and_unload().eval()
    return model


def test_a_lora_expert_made_on_the_spot(spec: CheckpointSpec, folder: Path, adapter: Path) -> None:
    """Over the anti-expert's weights; with the anti-expert as base, α = 1 is the expert itself."""
    plain = changed(spec, dtype="float32")
    expert = CheckpointSpec(f"adapter:{adapter}", over=spec.source, dtype="float32")
    loaded = load(Recipe("r", plain, (ExpertPair("Sailor", expert, plain),)))
    (adapted,) = (weights for key, weights in loaded.weights.items() if key.adapter)
    lora = sum(t.numel() for n, t in adapted.model.named_parameters() if "lora_" in n)
    assert 4 * PARAMETERS < held(loaded) < 1.01 * 4 * (PARAMETERS + lora)
    assert lora < 0.05 * PARAMETERS
    with torch.inference_mode():
        (ids, *_) = prompts = loaded.encode("The captain said:")
        rows = loaded.ensemble.prefill(prompts)
        expected = merged(folder, adapter)(torch.tensor([ids])).logits[0, -1]
    torch.testing.assert_close(rows.rows[1, 0], expected, atol=2e-3, rtol=0)
    torch.testing.assert_close(rows.combined(0, (1.0,)), expected, atol=2e-3, rtol=0)
    assert write(loaded, "The captain said:", tokens=6).startswith(" Ahoy")
    assert not write(loaded, "The captain said:", alpha=0.0, tokens=6).startswith(" Ahoy")


@pytest.mark.skipif(not _ON_LINUX, reason="measured on Linux")
@pytest.mark.parametrize("quantization", ["none", "nf4"])
def test_the_memory_estimate_is_near_to_what_is_measured(
    folder: Path, tmp_path: Path, quantization: str
) -> None:
    base, expert, antiexpert = (
        CheckpointSpec(f"folder:{folder}", quantization=quantization, prompt=prompt)
        for prompt in ("plain", "A {prompt}", "B {prompt}")
    )
    recipe = Recipe("r", base, (ExpertPair("A", expert, antiexpert),), context=1024)
    recipe = replace(recipe, sampling=GenerationConfig(max_new_tokens=16))
    write_recipe(recipe, tmp_path / "recipe.toml")
    found = measure_recipe_apart(tmp_path / "recipe.toml")
    # What the libraries take depends on the processor: of the 100 MB that are counted for NF4,
    # 12 to 43 MB were measured here, all of them in the set-ups of docs/memory.md.
    assert 0.9 < found["estimate"]["held"] / found["measured"]["held"] < 1.2, found


@pytest.mark.skipif(not _ON_LINUX, reason="asks Linux")
def test_memory_in_use_is_of_the_kind_of_the_estimate(spec: CheckpointSpec, tmp_path: Path) -> None:
    path = tmp_path / "three.toml"
    write_recipe(alone(spec), path)
    held = measure_apart(str(path))
    assert held.weights + held.packed <= held.loaded
    # Libraries and what the heap keeps of the load are not in the estimate: 13% were measured.
    assert held.used <= 1.2 * (held.needed + held.packed)
