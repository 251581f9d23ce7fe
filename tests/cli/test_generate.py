"""``tuneshift generate``: options, output and exit status."""

from __future__ import annotations

import io
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from app.__main__ import main
from app.checkpoints.recipes.recipe_file import write_recipe
from tests import tiny

PROMPT = "the king said"


@pytest.fixture
def roles(llama: tiny.Family) -> list[str]:
    options = {"base": llama.base, "expert": llama.expert, "antiexpert": llama.antiexpert}
    given = [part for role, folder in options.items() for part in (f"--{role}", str(folder))]
    return ["generate", *given, "--dtype", "float32", "--max-new-tokens", "10"]


@pytest.fixture
def report(roles: list[str], capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    """The JSON of a sampled run."""
    assert main([*roles, PROMPT, "--json", "--seed", "3", "--alpha", "0.8"]) == 0
    return json.loads(capsys.readouterr().out)


def uncached_rows(llama: tiny.Family, ids: list[int]) -> list[torch.Tensor]:
    with torch.no_grad():
        return [
            model(input_ids=torch.tensor([ids]), use_cache=False).logits[0, -1].double()
            for model in llama.models()
        ]


@pytest.mark.slow
def test_stdout_is_exactly_the_text(roles: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*roles, PROMPT, "--greedy"]) == 0
    first = capsys.readouterr()
    assert first.err == ""
    assert main([*roles, PROMPT, "--temperature", "0", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["text"] + "\n" == first.out


def test_json_describes_request_and_result(report: dict[str, object], llama: tiny.Family) -> None:
    ids = tiny.make_tokenizer().encode(PROMPT).ids
    assert report["prompt"] == PROMPT
    assert report["prompt_tokens"] == {
        "base": len(ids),
        "experts": [len(ids)],
        "antiexperts": [len(ids)],
    }
    assert report["alphas"] == [0.8]
    assert report["settings"]["seed"] == 3
    assert report["finish_reason"] in ("eos", "length")
    proof = report["recipe"]["base"].pop("proof")
    assert 0 < proof.pop("largest_difference") < 1e-3
    assert 0 < proof.pop("divergence") < 1e-6
    assert proof == {
        "given_up": [],
        "faults": [],
        "skipped": [],
        "not_proved": "",
        "block_difference": None,
        "engine_divergence": None,
    }
    assert report["recipe"]["base"] == {
        "source": f"folder:{llama.base}",
        "dtype": "float32",
        "device": "cpu",
        "engine": "transformers",
    }
    assert report["tokens_per_second"] > 0
    assert report["token_ids"] == [step["token_id"] for step in report["steps"]]


@pytest.mark.slow
def test_steps_cover_the_text_and_equal_plain_forward_passes(
    report: dict[str, object], llama: tiny.Family
) -> None:
    ids = tiny.make_tokenizer().encode(PROMPT).ids
    end = 0
    for step in report["steps"]:
        assert step["span"][0] == end
        assert report["text"][slice(*step["span"])] == step["text"]
        end = step["span"][1]
        base, expert, anti = uncached_rows(llama, ids)
        tuned = base + 0.8 * (expert - anti)
        token = step["token_id"]
        p_base, p_tuned = (torch.softmax(row, 0)[token].item() for row in (base, tuned))
        assert step["p_base"] == pytest.approx(p_base, abs=1e-5)
        assert step["p_tuned"] == pytest.approx(p_tuned, abs=1e-5)
        assert step["logprob_tuned"] == pytest.approx(
            torch.log_softmax(tuned, 0)[token].item(), abs=1e-3
        )
        assert sum(step["contributions"]) == pytest.approx(p_tuned - p_base, abs=1e-4)
        assert step["rank_base"] == 1 + int((base > base[token]).sum())
        assert step["rank_tuned"] == 1 + int((tuned > tuned[token]).sum())
        assert step["flipped"] == bool(base.argmax() != tuned.argmax())
        ids.append(token)
    assert end == len(report["text"])


@pytest.mark.slow
def test_no_speculation_gives_the_same_text(
    roles: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    reports = []
    for options in ((), ("--no-speculation",)):
        assert main([*roles, PROMPT, "--seed", "3", "--json", *options]) == 0
        reports.append(json.loads(capsys.readouterr().out))
    drafted, plain = (report["speculation"] for report in reports)
    assert plain is None
    assert drafted["cannot_rewind"] is None
    assert drafted["plain_tokens"] > 0
    assert reports[0]["token_ids"] == reports[1]["token_ids"]


@pytest.mark.slow
def test_the_same_seed_gives_the_same_text(
    roles: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    texts = []
    for seed in ("7", "7", "8"):
        assert main([*roles, PROMPT, "--seed", seed, "--temperature", "1.5"]) == 0
        texts.append(capsys.readouterr().out)
    assert texts[0] == texts[1] != texts[2]


@pytest.mark.slow
def test_several_pairs_and_alphas_in_order(
    roles: list[str], llama: tiny.Family, capsys: pytest.CaptureFixture[str]
) -> None:
    more = ["--expert", str(llama.base), "--antiexpert", str(llama.antiexpert)]
    assert main([*roles, *more, "--alpha", "-0.5", "--json", PROMPT]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["alphas"] == [-0.5, 1.0]
    assert all(len(step["contributions"]) == 2 for step in report["steps"])


@pytest.mark.slow
def test_a_stop_string_is_not_part_of_text_or_steps(
    roles: list[str], report: dict[str, object], capsys: pytest.CaptureFixture[str]
) -> None:
    whole = report["text"]
    stop = whole[4:6]
    options = ["--seed", "3", "--alpha", "0.8", "--stop", stop, "--json"]
    assert main([*roles, PROMPT, *options]) == 0
    stopped = json.loads(capsys.readouterr().out)
    assert stopped["finish_reason"] == "stop"
    assert stopped["text"] == whole[: whole.index(stop)]
    assert "".join(step["text"] for step in stopped["steps"]) == stopped["text"]


@pytest.mark.slow
def test_a_recipe_file_gives_the_prompt_and_the_settings(
    llama: tiny.Family, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "mine.toml"
    write_recipe(llama.recipe(alpha=1.5, seed=5, top_k=3), path)
    assert main(["generate", "--recipe", str(path), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["prompt"] == "the king"
    assert report["alphas"] == [1.5]
    assert (report["settings"]["seed"], report["settings"]["top_k"]) == (5, 3)


@pytest.mark.slow
def test_the_prompt_is_read_from_stdin(
    roles: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"the queen")))
    assert main([*roles, "-", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["prompt"] == "the queen"


@pytest.mark.slow
def test_shifts_prints_a_table_at_the_end(
    roles: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*roles, PROMPT, "--shifts", "--greedy", "--max-new-tokens", "4"]) == 0
    lines = capsys.readouterr().out.splitlines()
    head = next(place for place, line in enumerate(lines) if line.startswith("token "))
    assert "tuned" in lines[head]
    assert len(lines) == head + 2 + 4


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--temperature", "-1"], "temperature"),
        (["--temperature", "nan"], "temperature"),
        (["--top-p", "0"], "top-p"),
        (["--top-k", "-3"], "top-k"),
        (["--min-p", "2"], "min-p"),
        (["--max-new-tokens", "0"], "max new tokens"),
        (["--max-new-tokens", "many"], "invalid int"),
        (["--repetition-penalty", "0"], "repetition penalty"),
        (["--frequency-penalty", "3"], "frequency penalty"),
        (["--presence-penalty", "nan"], "presence penalty"),
        (["--json-schema", "/nowhere"], "/nowhere cannot be read"),
        (["--grammar", "a", "--json-schema", "b"], "cannot be combined"),
        (["--logit-bias", "5"], "not ID=NUMBER"),
        (["--logit-bias", "5=101"], "logit bias"),
        (["--seed", "-1"], "seed"),
        (["--alpha", "nan"], "alpha"),
        (["--alpha", "1", "--alpha", "2"], "more alphas"),
        (["--stop", ""], "stop string"),
        (["--device", "cuda:99"], "no device"),
        (["--recipe", "demo"], "cannot be combined with"),
        (["--expert", "x"], "anti-expert"),
        (["--greedy", "--temperature", "1"], "cannot be combined with"),
        (["--frobnicate"], "Unrecognized"),
    ],
)
def test_invalid_options_are_one_line_and_status_2(
    roles: list[str], options: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*roles, PROMPT, *options]) == 2
    check_one_line(capsys, said)


def check_one_line(capsys: pytest.CaptureFixture[str], said: str) -> None:
    output = capsys.readouterr()
    assert output.out == ""
    assert said in output.err
    assert output.err.count("\n") == 1
    assert "Traceback" not in output.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["generate", "--recipe", "nowhere"], "no recipe “nowhere”"),
        (["generate", "--base", "/nowhere"], "anti-expert"),
        (["generate", "--expert", "a", "--antiexpert", "b"], "need --base"),
        (["generate", "x", "--base", "/nowhere", "--expert", "a", "--antiexpert", "b"], "/nowhere"),
        (["frobnicate"], "frobnicate"),
    ],
)
def test_missing_inputs_are_one_line_and_status_2(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    check_one_line(capsys, said)


@pytest.mark.slow
def test_a_full_context_is_no_token_limit(
    roles: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    words = tiny.CONTEXT - 3
    prompt = tiny.make_tokenizer().decode([5] * words)
    length = len(tiny.make_tokenizer().encode(prompt).ids)
    limit = ["--max-new-tokens", str(tiny.CONTEXT), "--json"]
    assert main([*roles, *limit, prompt]) == 0
    said = capsys.readouterr()
    made = json.loads(said.out)
    assert (len(made["token_ids"]), made["finish_reason"]) == (tiny.CONTEXT - length, "context")
    assert "context of the models is full" in said.err
    assert "Shorten the prompt" in said.err


@pytest.mark.slow
def test_invalid_prompts_are_rejected(roles: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*roles, ""]) == 2
    check_one_line(capsys, "prompt is empty")
    assert main([*roles, "the king " * tiny.CONTEXT]) == 2
    check_one_line(capsys, "longer than the context")


def test_a_missing_display_is_reported(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    assert main([]) == 2
    check_one_line(capsys, "no screen")
    monkeypatch.setenv("DISPLAY", ":31999")
    assert main([]) == 2
    check_one_line(capsys, "no screen")


@pytest.mark.process
def test_ctrl_c_keeps_the_text_and_exits_with_130(roles: list[str], llama: tiny.Family) -> None:
    options = [*roles, PROMPT, "--max-new-tokens", "100", "--json", "--seed", "4"]
    code = (
        "import sys, signal, os\n"
        "from app.cli import generate_command\n"
        "receive = generate_command._Output.receive\n"
        "def interrupting(self, event):\n"
        "    receive(self, event)\n"
        "    if len(self.run.tokens) == 3: signal.raise_signal(signal.SIGINT)\n"
        "generate_command._Output.receive = interrupting\n"
        "from app.__main__ import main\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *options], capture_output=True, text=True, check=False
    )
    report = json.loads(done.stdout)
    assert (done.returncode, report["finish_reason"]) == (130, "cancelled")
    assert 3 <= len(report["steps"]) < 100
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_version_and_help(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, said in ((["--version"], "tuneshift 0."), (["--help"], "generate")):
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        assert ended.value.code == 0
        assert said in capsys.readouterr().out


@pytest.mark.parametrize("command", ["", "generate", "bench"])
def test_unknown_options_point_to_the_subcommands_help(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*command.split(), "--nope"]) == 2
    told = capsys.readouterr().err
    assert "Unrecognized arguments: --nope" in told
    assert f"See {' '.join(['tuneshift', *command.split()])} --help." in told


@pytest.mark.slow
def test_a_text_follows_a_schema_or_a_grammar(
    roles: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "of.txt"
    command = [*roles, PROMPT, "--quiet", "--max-new-tokens", "100"]
    path.write_text('{"enum": ["king", "sea"]}')
    assert main([*command, "--json-schema", str(path)]) == 0
    assert capsys.readouterr().out.strip() in ('"king"', '"sea"')
    path.write_text('root ::= "thou" | "art"')
    assert main([*command, "--grammar", str(path)]) == 0
    assert capsys.readouterr().out.strip() in ("thou", "art")
    path.write_text("{")
    assert main([*command, "--json-schema", str(path)]) == 2
    check_one_line(capsys, "not JSON")


@pytest.mark.slow
def test_a_policy_of_alpha_is_reported_with_the_alphas_of_each_token(
    roles: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    asked = [*roles, PROMPT, "--seed", "3", "--alpha", "0.8", "--alpha-policy", "ramp:1:0:4"]
    assert main([*asked, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    steps = found["steps"]
    assert found["settings"]["alpha_policy"] == "ramp:1:0:4"
    expected = [0.8 * max(0.0, 1 - index / 4) for index in range(len(steps))]
    assert [step["alphas"][0] for step in steps] == pytest.approx(expected)
    assert [step["skipped"] for step in steps] == [index >= 4 for index in range(len(steps))]
    assert found["skipped"]["skipped"] == max(0, len(steps) - 4)
    assert found["speculation"] is None
    assert main(asked) == 0
    assert "tokens without pairs" in capsys.readouterr().err


def test_a_policy_that_does_not_exist_is_an_error(
    roles: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*roles, PROMPT, "--alpha-policy", "sometimes"]) == 2
    error = capsys.readouterr().err
    assert "“sometimes” is not an alpha policy" in error
    assert "kl:BITS" in error
