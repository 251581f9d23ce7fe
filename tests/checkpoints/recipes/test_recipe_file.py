"""Recipes as TOML: what is written is read back, and what is wrong is named."""

from __future__ import annotations

import re
import tomllib
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import tomli_w
from hypothesis import given
from hypothesis import strategies as st

from app.checkpoints.engine_options import ENGINES, KV_CACHE_TYPES
from app.checkpoints.recipes.recipe_file import (
    DEFAULT_RECIPE,
    find_recipe,
    read_recipe,
    write_recipe,
)
from app.checkpoints.spec import (
    DTYPES,
    QUANTIZATIONS,
    VOCABULARIES,
    CheckpointSpec,
    ExpertPair,
    Recipe,
)
from app.decoding.types import STRUCTURES, GenerationConfig
from app.errors import RecipeError, SettingsError
from app.resources import resource

# TOML holds any text but lone surrogates.
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
prompts = st.sampled_from(["plain", "chat"]) | texts.map(lambda text: text + "{prompt}")
sources = st.sampled_from(
    [
        "folder:/models/a b",
        "builtin:demo/base",
        "hub:owner/name",
        "hub:owner/name@v1.0",
        "gguf:/models/a.gguf",
        "adapter:/models/lora",
        "adapter:hub:owner/lora",
    ]
)
specs = st.builds(
    CheckpointSpec,
    source=sources,
    over=sources.filter(lambda source: not source.startswith("adapter:")),
    dtype=st.sampled_from(DTYPES),
    device=st.sampled_from(["auto", "cpu", "cuda:1"]),
    quantization=st.sampled_from(QUANTIZATIONS),
    offload=st.booleans(),
    engine=st.sampled_from(ENGINES),
    gpu_layers=st.sampled_from(["auto", "all"]) | st.integers(0, 200),
    kv_cache=st.sampled_from(KV_CACHE_TYPES),
    prompt=prompts,
    system=texts,
)
bases = st.builds(replace, specs, vocabulary=st.sampled_from(VOCABULARIES))
pairs = st.builds(
    ExpertPair,
    name=texts,
    expert=specs,
    antiexpert=specs,
    alpha=st.floats(-1000, 1000),
    vocabulary=st.sampled_from(["", *VOCABULARIES]),
)
samplings = st.builds(
    GenerationConfig,
    max_new_tokens=st.integers(1, 1000),
    temperature=st.floats(0, 100),
    top_k=st.integers(0, 1000),
    top_p=st.floats(0, 1, exclude_min=True),
    min_p=st.floats(0, 1),
    repetition_penalty=st.floats(0.1, 100),
    frequency_penalty=st.just(0.0) | st.floats(-2, 2),
    presence_penalty=st.just(0.0) | st.floats(-2, 2),
    logit_bias=st.lists(st.tuples(st.integers(0, 300_000), st.floats(-100, 100)), max_size=3).map(
        tuple
    ),
    seed=st.integers(0, 2**63 - 1),
    structure=st.sampled_from(STRUCTURES),
    structure_text=texts.map(lambda text: f"{text}\n{{}}"),
    stop=st.lists(texts.filter(bool), max_size=3).map(tuple),
)
recipes = st.builds(
    Recipe,
    name=texts,
    base=bases,
    pairs=st.lists(pairs, min_size=1, max_size=3).map(tuple),
    sample_prompt=texts | st.sampled_from(["a\r\nb\n", 'c"""\n\\', "\ttab\n\n"]),
    description=texts,
    context=st.integers(0, 1_000_000),
    accepted_ids=st.lists(st.integers(0, 300_000), max_size=4).map(tuple),
    download_bytes=st.integers(0, 10**15),
    untested=st.booleans(),
    sampling=samplings,
    prompt=prompts,
    system=texts,
    new_seeds=st.booleans(),
)

GOOD = """
format = 1
name = "Two"
sample_prompt = "Once"
[base]
source = "folder:/m/base"
dtype = "bfloat16"
[[pair]]
name = "First"
alpha = 2
expert = { source = "folder:/m/expert", prompt = "chat", system = "Be brief." }
antiexpert = { source = "folder:/m/anti" }
[[pair]]
name = "Second"
expert = { source = "folder:/m/expert2" }
antiexpert = { source = "folder:/m/anti" }
[sampling]
temperature = 0.5
stop = ["\\n\\n"]
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.slow
@given(recipe=recipes)
def test_a_written_recipe_is_read_back_unchanged(recipe: Recipe, tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    write_recipe(recipe, path)
    assert read_recipe(path) == recipe


def test_everything_in_a_recipe_is_read(tmp_path: Path) -> None:
    recipe = read_recipe(write(tmp_path, GOOD))
    assert recipe.name == "Two"
    assert recipe.sample_prompt == "Once"
    assert recipe.base == CheckpointSpec("folder:/m/base", dtype="bfloat16")
    assert recipe.pairs[0].expert.prompt == "chat"
    assert recipe.pairs[0].expert.system == "Be brief."
    assert recipe.alphas == (2.0, 1.0)
    assert all(type(alpha) is float for alpha in recipe.alphas)
    assert recipe.sampling == GenerationConfig(temperature=0.5, stop=("\n\n",))


@pytest.mark.parametrize(
    ("lines", "seed", "new_seeds"),
    [
        ("", 0, True),
        ("[sampling]\ntop_k = 3", 0, True),
        ("[sampling]\nseed = 0", 0, False),
        ("[sampling]\nseed = 7", 7, False),
    ],
)
def test_a_seed_in_a_file_is_pinned(lines: str, seed: int, new_seeds: bool, tmp_path: Path) -> None:
    recipe = read_recipe(write(tmp_path, GOOD.partition("[sampling]")[0] + lines))
    assert (recipe.sampling.seed, recipe.new_seeds) == (seed, new_seeds)


def formats(recipe: Recipe) -> list[tuple[str, str]]:
    return [(spec.prompt, spec.system) for spec in recipe.checkpoints()]


def test_a_prompt_format_is_given_once_for_the_recipe(tmp_path: Path) -> None:
    common = 'name = "Two"\nprompt = "Q: {prompt}"\nsystem = "Be calm."'
    text = GOOD.replace('name = "Two"', common).replace(
        'folder:/m/expert2"', 'folder:/m/expert2", prompt = "plain", system = ""'
    )
    recipe = read_recipe(write(tmp_path, text))
    mine = ("Q: {prompt}", "Be calm.")
    assert (recipe.prompt, recipe.system) == mine
    assert formats(recipe) == [mine, ("chat", "Be brief."), mine, ("plain", ""), mine]
    write_recipe(recipe, tmp_path / "again.toml")
    written = tomllib.loads((tmp_path / "again.toml").read_text(encoding="utf-8"))
    assert written["prompt"] == "Q: {prompt}"
    assert not {"prompt", "system"} & {*written["base"], *written["pair"][0]["antiexpert"]}
    assert written["pair"][1]["expert"]["system"] == ""


@pytest.mark.parametrize("prompt", ["plain", "chat", "Q: {prompt}"])
def test_a_file_without_a_common_format_means_what_it_always_did(
    tmp_path: Path, prompt: str
) -> None:
    text = GOOD.replace('dtype = "bfloat16"', f'prompt = "{prompt}"')
    recipe = read_recipe(write(tmp_path, text))
    plain = ("plain", "")
    assert formats(recipe) == [(prompt, ""), ("chat", "Be brief."), plain, plain, plain]
    assert recipe.prompt == prompt  # the roles that are like the base follow the recipe


def test_a_common_template_needs_a_place_for_the_prompt(tmp_path: Path) -> None:
    text = GOOD.replace('name = "Two"', 'name = "Two"\nprompt = "Q: "')
    with pytest.raises(RecipeError, match=r"line 4.*Q: "):
        read_recipe(write(tmp_path, text))


def test_relative_folders_are_taken_from_where_the_recipe_lies(tmp_path: Path) -> None:
    recipe = read_recipe(write(tmp_path, GOOD.replace("/m/base", "models/base")))
    assert recipe.base.source == f"folder:{tmp_path / 'models/base'}"
    assert recipe.pairs[0].expert.source == "folder:/m/expert"


def test_files_and_adapters_are_taken_from_there_too(tmp_path: Path) -> None:
    text = GOOD.replace("folder:/m/base", "gguf:../base.gguf").replace(
        '"folder:/m/expert"', '"adapter:lora", over = "folder:small"'
    )
    recipe = read_recipe(write(tmp_path, text))
    assert recipe.base.source == f"gguf:{tmp_path / '../base.gguf'}"
    assert recipe.pairs[0].expert.source == f"adapter:{tmp_path / 'lora'}"
    assert recipe.pairs[0].expert.over == f"folder:{tmp_path / 'small'}"


def test_what_is_on_the_hub_is_no_folder(tmp_path: Path) -> None:
    text = GOOD.replace("folder:/m/base", "hub:owner/name@main").replace(
        '"folder:/m/expert"', '"adapter:hub:owner/lora", over = "hub:owner/small"'
    )
    recipe = read_recipe(write(tmp_path, text))
    assert recipe.base.source == "hub:owner/name@main"
    assert recipe.pairs[0].expert.source == "adapter:hub:owner/lora"
    assert recipe.pairs[0].expert.over == "hub:owner/small"


def test_the_home_of_the_person_is_understood(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/someone")
    recipe = read_recipe(write(tmp_path, GOOD.replace("/m/base", "~/base")))
    assert recipe.base.source == "folder:/home/someone/base"


@pytest.mark.parametrize(
    ("old", "new", "said", "line"),
    [
        ("format = 1", "", "format 1.*does not say", 1),
        ("format = 1", "format = 2", "format 1.*has format 2.*Update", 2),
        ("format = 1", "format = true", "format 1.*Begin the file", 2),
        ('name = "Two"', "", "“name” is missing in the recipe", 1),
        ('name = "Two"', "name = 2", "“name” in the recipe must be text in quotes", 3),
        ('name = "Two"', 'nmae = "Two"', "no setting “nmae”.*Did you mean “name”", 3),
        ("[base]", "[bsae]", "no setting “bsae”.*Did you mean “base”", 5),
        ('source = "folder:/m/base"', "", "“source” is missing in \\[base\\]", 5),
        ('source = "folder:/m/base"', 'source = ""', "has no checkpoint", 6),
        ('source = "folder:/m/base"', 'source = "adapter:/a"', "needs the model", 6),
        ('dtype = "bfloat16"', 'dtype = "int3"', "“int3” is not a dtype", 7),
        ('dtype = "bfloat16"', 'quantization = "q4"', "“q4” is not a quantization", 7),
        ('dtype = "bfloat16"', 'quantize = "nf4"', "no setting “quantize” in \\[base\\]", 7),
        ('dtype = "bfloat16"', 'engine = "vllm"', "“vllm” is not an engine", 7),
        ('dtype = "bfloat16"', "engine = 3", "“engine” in \\[base\\] must be text", 7),
        ('dtype = "bfloat16"', "gpu_layers = -1", "must be a number, “auto” or “all”", 7),
        ('dtype = "bfloat16"', 'gpu_layers = "some"', "must be a number, “auto” or “all”", 7),
        ('dtype = "bfloat16"', "gpu_layers = true", "“gpu_layers” in \\[base\\]", 7),
        ('dtype = "bfloat16"', 'kv_cache = "q2"', "“q2” is not a type of the KV cache", 7),
        ('dtype = "bfloat16"', 'offload = "yes"', "must be true or false", 7),
        ('prompt = "chat"', 'prompt = "alpaca"', "plain, chat, or a template", 11),
        ('prompt = "chat"', "prompt = 3", "“prompt” in \\[expert\\]", 11),
        ("alpha = 2", 'alpha = "2"', "“alpha” in \\[\\[pair\\]\\] must be a number", 10),
        ("alpha = 2", "alpha = true", "“alpha”", 10),
        ("alpha = 2", "alpha = nan", "finite number", 10),
        ("alpha = 2", "alpha = -inf", "finite number", 10),
        ("alpha = 2", f"alpha = 1{'0' * 400}", "finite number", 10),
        ("alpha = 2", "weight = 2", "no setting “weight”", 10),
        ('name = "Second"', "", "“name” is missing in \\[\\[pair\\]\\]", 13),
        ('{ source = "folder:/m/expert2" }', "3", "“expert”.*must be a table", 15),
        ("temperature = 0.5", "temperature = -1", "The temperature must be at least 0", 18),
        ("temperature = 0.5", "temperature = nan", "The temperature", 18),
        ("temperature = 0.5", 'temperature = "hot"', "“temperature” in \\[sampling\\]", 18),
        ("temperature = 0.5", "top_k = 2.5", "“top_k”", 18),
        ("temperature = 0.5", "top_p = 0", "The top-p must be greater than 0", 18),
        ("temperature = 0.5", "heat = 1", "no setting “heat” in \\[sampling\\]", 18),
        ("temperature = 0.5", "temperature = 1\ntemperature = 2", "cannot be read", 19),
        ('stop = ["\\n\\n"]', 'stop = "x"', "“stop”.*must be a list", 19),
        ('stop = ["\\n\\n"]', "stop = [1]", "“stop”.*must be text", 19),
        ('stop = ["\\n\\n"]', 'stop = [""]', "stop string is empty", 19),
        ('sample_prompt = "Once"', "context = -1", "“context” must be 0 or more", 4),
        ('sample_prompt = "Once"', "accepted_ids = [1, true]", "must be a whole number", 4),
        ('sample_prompt = "Once"', "accepted_ids = [1, -1]", "A token id is 0 or more", 4),
        ('sample_prompt = "Once"', "untested = 1", "must be true or false", 4),
        ("[base]", "[base", "cannot be read", 5),
    ],
)
def test_what_is_wrong_in_a_recipe_is_named_with_its_line(
    old: str, new: str, said: str, line: int, tmp_path: Path
) -> None:
    assert old in GOOD
    path = write(tmp_path, GOOD.replace(old, new, 1))
    with pytest.raises(RecipeError, match=said) as caught:
        read_recipe(path)
    assert "mine.toml" in str(caught.value)
    assert re.search(rf"\bline {line}\b", caught.value.evidence)


def test_a_recipe_needs_a_pair(tmp_path: Path) -> None:
    head = GOOD.partition("[[pair]]")[0]
    with pytest.raises(RecipeError, match=r"“pair” is missing in the recipe.*mine\.toml"):
        read_recipe(write(tmp_path, head))
    empty = "pair = []\n" + head
    with pytest.raises(RecipeError, match=r"at least one expert pair.*mine\.toml"):
        read_recipe(write(tmp_path, empty))


@pytest.mark.parametrize(
    "content",
    [
        b"\xff\xfe\x00",
        b"\x00\x01",
        b"name = 'a\n",
        b"a = " + b"[" * 100_000,
        b"a = " + b"1" * 10_000,
        b"#" * 1_000_001,
    ],
)
def test_a_file_that_is_no_toml_is_named(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_bytes(content)
    with pytest.raises(RecipeError, match=r"The recipe mine\.toml cannot be read"):
        read_recipe(path)


KEYS = {
    *Recipe.__dataclass_fields__,
    *ExpertPair.__dataclass_fields__,
    *CheckpointSpec.__dataclass_fields__,
    *GenerationConfig.__dataclass_fields__,
    "format",
    "pair",
    "x",
}
values = st.recursive(
    st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)


@pytest.mark.slow
@given(
    place=st.sampled_from(
        [(), ("base",), ("pair", 0), ("pair", 1, "expert"), ("pair", 1), ("sampling",)]
    ),
    key=st.sampled_from(sorted(KEYS)),
    value=values,
)
def test_whatever_a_recipe_holds_is_read_or_refused_with_a_line(
    place: tuple[str | int, ...], key: str, value: object, tmp_path: Path
) -> None:
    content = tomllib.loads(GOOD)
    table: Any = content
    for step in place:
        table = table[step]
    table[key] = value
    path = write(tmp_path, tomli_w.dumps(content))
    try:
        read_recipe(path)
    except RecipeError as error:
        assert re.search(r"in mine\.toml, line \d+", error.evidence)  # noqa: PT017


@given(st.binary(max_size=200))
def test_bytes_that_are_no_recipe_are_refused(content: bytes) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder, "mine.toml")
        path.write_bytes(content)
        with pytest.raises(RecipeError):
            read_recipe(path)


def test_a_byte_order_mark_is_no_error(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_bytes(b"\xef\xbb\xbf" + GOOD.strip().encode())
    assert read_recipe(path).name == "Two"


def test_what_is_the_default_is_not_written(tmp_path: Path) -> None:
    spec = CheckpointSpec("folder:/m")
    path = tmp_path / "mine.toml"
    write_recipe(Recipe("r", spec, (ExpertPair("A", spec, spec),)), path)
    written = tomllib.loads(path.read_text())
    assert sorted(written) == ["base", "format", "name", "pair", "sampling"]
    assert written["base"] == {"source": "folder:/m"}
    rare = {"frequency_penalty", "presence_penalty", "logit_bias", "structure", "structure_text"}
    rare |= {"alpha_policy"}
    assert written["sampling"].keys() == GenerationConfig.__dataclass_fields__.keys() - rare


def test_a_recipe_that_is_nowhere_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="There is no recipe “nowhere”"):
        find_recipe("nowhere")
    with pytest.raises(RecipeError, match="There is no recipe"):
        find_recipe(str(tmp_path))


def test_a_file_is_found_by_its_path(tmp_path: Path) -> None:
    assert find_recipe(str(write(tmp_path, GOOD))).name == "Two"


@pytest.mark.skipif(
    not resource("recipes", "demo.toml").is_file(),
    reason="resources/recipes/demo.toml is not there",
)
def test_the_demo_is_built_in() -> None:
    recipe = find_recipe(DEFAULT_RECIPE)
    assert len(recipe.pairs) == 2
    assert recipe.sample_prompt
    assert all(spec.source.startswith("builtin:demo/") for spec in recipe.checkpoints())


def test_roles_are_listed_and_replaced_by_place() -> None:
    spec = CheckpointSpec("folder:/new")
    first = CheckpointSpec("folder:/first")
    recipe = Recipe("r", first, tuple(ExpertPair(name, first, first) for name in ("A", "B")))
    assert [name for name, _ in recipe.roles()] == [
        "base",
        "expert “A”",
        "anti-expert “A”",
        "expert “B”",
        "anti-expert “B”",
    ]
    for place in range(5):
        sources = [item.source for item in recipe.with_role(place, spec).checkpoints()]
        assert [at for at, source in enumerate(sources) if source == "folder:/new"] == [place]


def test_other_alphas_are_one_for_each_pair() -> None:
    spec = CheckpointSpec("folder:/m")
    recipe = Recipe("r", spec, tuple(ExpertPair(name, spec, spec) for name in ("A", "B")))
    assert recipe.with_alphas((0.0, -3.0)).alphas == (0.0, -3.0)
    with pytest.raises(SettingsError, match="one alpha for each"):
        recipe.with_alphas((1.0,))


def test_a_structure_without_its_text_names_the_line(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(GOOD.replace("[sampling]", '[sampling]\nstructure = "grammar"'))
    with pytest.raises(RecipeError, match="The grammar is empty"):
        read_recipe(path)
