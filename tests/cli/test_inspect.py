"""``tuneshift generate --save`` and ``--again``, and ``tuneshift inspect``."""

from __future__ import annotations

import csv
import io
import json
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from app.__main__ import main
from app.attribution.measures import Measure
from app.attribution.plot_measure import PlotMeasure
from app.cli.options.inspect_options import PLOTS, TINTS
from app.cli.saving import RunSaver
from app.decoding.types import GenerationConfig
from app.engine.commands import Generate, Load
from app.engine.controls import Cancellation, LiveAlphas
from app.engine.engine import Engine
from app.engine.events import Event, TokenDecoded
from app.history.records import NewRun, new_run_id
from app.settings import history_file
from tests import tiny
from tests.cli.test_progress_line import on_terminal

PROMPT = "the king said"


@pytest.fixture(autouse=True)
def own_history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return history_file()


@pytest.fixture
def roles(llama: tiny.Family) -> list[str]:
    options = {"base": llama.base, "expert": llama.expert, "antiexpert": llama.antiexpert}
    given = [part for role, folder in options.items() for part in (f"--{role}", str(folder))]
    return ["generate", *given, "--dtype", "float32", "--max-new-tokens", "10"]


@pytest.fixture
def saved(roles: list[str], capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    """The JSON of a sampled run that was saved."""
    assert main([*roles, PROMPT, "--json", "--seed", "3", "--alpha", "0.8", "--save"]) == 0
    out, err = capsys.readouterr()
    told: dict[str, object] = json.loads(out)
    assert err == f"run: {told['run_id']}\n"
    return told


def inspected(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["inspect", *arguments]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return out


def error(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(list(arguments)) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("tuneshift: ")
    assert err.count("\n") == 1
    return err


def test_a_saved_run_equals_the_generated_run(
    saved: dict[str, object], capsys: pytest.CaptureFixture[str], llama: tiny.Family
) -> None:
    told = json.loads(inspected(capsys, "last", "--format", "json"))
    for name in ("run_id", "prompt", "text", "finish_reason", "settings"):
        assert told[name] == saved[name]
    steps = saved["steps"]
    assert isinstance(steps, list)
    for token, step in zip(told["tokens"], steps, strict=True):
        assert {name: token[name] for name in step} == step
        assert token["alphas"] == [0.8]
    assert [role["source"] for role in told["roles"]] == [
        f"folder:{folder}" for folder in (llama.base, llama.expert, llama.antiexpert)
    ]
    fingerprints = [role["fingerprint"] for role in told["roles"]]
    assert len(set(fingerprints)) == 3
    assert all(fingerprint.startswith("sampled:") for fingerprint in fingerprints)


@pytest.mark.slow
def test_without_save_nothing_is_stored(
    roles: list[str], own_history: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*roles, PROMPT, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["run_id"] is None
    assert not own_history.exists()


@pytest.mark.slow
def test_export_in_every_format(
    saved: dict[str, object], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    run_id = str(saved["run_id"])
    assert inspected(capsys, run_id, "--format", "text") == saved["text"]
    rows = list(csv.DictReader(io.StringIO(inspected(capsys, run_id[:6], "--format", "csv"))))
    assert [int(row["token_id"]) for row in rows] == saved["token_ids"]
    table = inspected(capsys, run_id)
    assert table == inspected(capsys, run_id, "--format", "table")
    assert "\nmodels: base, " in table
    assert " · α 0.8 · seed 3 · temperature " in table
    assert len(table.splitlines()) == 7 + len(rows)
    assert inspected(capsys, run_id, "--format", "markdown").count("\n") == 2 + len(rows)
    assert "<svg" in inspected(capsys, run_id, "--format", "svg")
    assert inspected(capsys, run_id, "--format", "html").startswith("<!DOCTYPE html>")
    candidates = inspected(capsys, run_id, "--format", "candidates")
    assert candidates.count("True") == len(rows)
    picture = tmp_path / "plot.png"
    assert inspected(capsys, run_id, "--format", "png", "--output", str(picture)) == ""
    assert picture.read_bytes().startswith(b"\x89PNG\r\n")
    report = tmp_path / "run.html"
    inspected(capsys, run_id, "--format", "html", "--output", str(report))
    assert report.read_text(encoding="utf-8") == inspected(capsys, run_id, "--format", "html")


@pytest.mark.slow
def test_runs_are_listed_and_searched(
    roles: list[str], saved: dict[str, object], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*roles, "the sea", "--save"]) == 0
    capsys.readouterr()
    lines = inspected(capsys, "--list").splitlines()
    assert len(lines) == 2
    assert "the sea" in lines[0]
    assert str(saved["run_id"]) in lines[1]
    assert inspected(capsys, "--search", "KING").splitlines() == lines[1:]
    assert inspected(capsys, "--search", "nothing like this") == "No matching runs.\n"
    assert inspected(capsys, "--search", "seed=3").splitlines() == lines[1:]


@pytest.mark.slow
def test_the_tokens_of_several_runs_are_one_table(
    roles: list[str],
    saved: dict[str, object],
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    assert main([*roles, "the sea", "--save", "--greedy"]) == 0
    capsys.readouterr()
    first = str(saved["run_id"])
    both = inspected(capsys, first, "last", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(both)))
    assert [int(row["token_id"]) for row in rows if row["run_id"] == first] == saved["token_ids"]
    assert len({row["run_id"] for row in rows}) == 2
    assert inspected(capsys, first, first[:6], "last", "--format", "csv") == both
    table = tmp_path / "tokens.parquet"
    inspected(capsys, first, "last", "--format", "parquet", "--output", str(table))
    assert parquet.read_table(table)["token_id"].to_pylist() == [
        int(row["token_id"]) for row in rows
    ]
    assert "takes one run (2 runs)" in error(capsys, "inspect", first, "last", "--format", "html")


@pytest.mark.slow
def test_errors_are_one_line_with_a_next_step(
    roles: list[str], own_history: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert "no history of runs yet" in error(capsys, "inspect", "last")
    assert "--list" in error(capsys, "inspect")
    assert main([*roles, PROMPT, "--save"]) == 0
    capsys.readouterr()
    assert "no run “other”" in error(capsys, "inspect", "other")
    assert "cannot be written" in error(
        capsys, "inspect", "last", "--output", str(tmp_path / "none" / "x")
    )
    assert "invalid choice" in error(capsys, "inspect", "last", "--format", "docx")
    assert "cannot be combined with" in error(capsys, "generate", "--again", "last", "--seed", "1")
    assert "a prompt" in error(capsys, "generate", "more", "--again", "last")
    own_history.write_bytes(b"\0" * 9000)
    assert "damaged" in error(capsys, "inspect", "last")


@pytest.mark.slow
def test_reports_and_plots_have_the_measures_that_are_asked_for(
    saved: dict[str, object], capsys: pytest.CaptureFixture[str]
) -> None:
    page = inspected(
        capsys, "last", "--format", "html", "--tint", "contribution", "--pair", "expert",
        "--plot", "kl", "--plot", "rank", "--unit", "nats",
    )  # fmt: skip
    assert re.search(r"contribution of expert: .*\+[\d.]+ nats</span>", page)
    usual = inspected(capsys, "last", "--format", "html", "--tint", "contribution")
    assert re.search(r"contribution of expert: .*\+[\d.]+ probability</span>", usual)
    assert "KL(tuned‖base) at each token, in nats; rank of each token" in page
    assert "entropy, bits" in inspected(capsys, "last", "--format", "svg", "--plot", "entropy")
    assert "no pair “other”" in error(
        capsys, "inspect", "last", "--format", "html", "--tint", "contribution", "--pair", "other"
    )
    for wrong in (
        ["--format", "svg", "--tint", "kl"],
        ["--format", "csv", "--unit", "nats"],
        ["--plot", "kl"],
        ["--format", "html", "--pair", "expert"],
        ["--format", "html", "--plot", "kl", "--plot", "kl", "--plot", "kl"],
        ["--format", "svg", "--scale", "2"],
        ["--format", "svg", "--unit", "probability"],
        ["--format", "html", "--unit", "probability", "--tint", "kl"],
        ["--format", "html", "--scale", "2", "--tint", "tuned-rank"],
        ["--format", "html", "--scale", "0"],
        ["--format", "html", "--scale", "nan"],
        ["--format", "html", "--scale", "wide"],
    ):
        error(capsys, "inspect", "last", *wrong)
    error(capsys, "inspect", "--list", "--unit", "nats")


@pytest.mark.slow
def test_the_unit_and_the_scale_of_a_tint_are_asked_for(
    saved: dict[str, object], capsys: pytest.CaptureFixture[str]
) -> None:
    html = ["last", "--format", "html"]
    page = inspected(capsys, *html, "--unit", "probability", "--scale", "0.25")
    assert "<span>−0.25</span>" in page
    assert "+0.25 probability</span> (p(tuned) − p(base))" in page
    nats = inspected(capsys, *html, "--tint", "kl", "--unit", "nats", "--scale", "1.5")
    assert re.search(r"KL\(tuned‖base\): <span>0</span> .*>1\.5 nats</span>", nats)
    rows = csv.DictReader(io.StringIO(inspected(capsys, "last", "--format", "csv")))
    sizes = [float(row["kl_bits"]) for row in rows]
    limit = float(f"{np.quantile(sizes, 0.95):.2g}")
    auto = inspected(capsys, *html, "--tint", "kl", "--scale", "auto")
    assert f">{limit:g} bits</span>" in auto


def test_the_measures_that_can_be_asked_for_are_all_there_are() -> None:
    assert list(Measure) == list(TINTS)
    assert list(PlotMeasure) == list(PLOTS)


def test_an_unwritable_history_is_reported_before_loading(
    roles: list[str], own_history: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own_history.mkdir(parents=True)
    assert "cannot be used" in error(capsys, *roles, PROMPT, "--save")


@pytest.mark.slow
def test_a_damaged_history_is_set_aside_and_the_run_is_saved(
    roles: list[str], own_history: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own_history.parent.mkdir(parents=True)
    own_history.write_bytes(b"no history" * 1000)
    assert main([*roles, PROMPT, "--save"]) == 0
    note, run = capsys.readouterr().err.splitlines()
    (aside,) = own_history.parent.glob("*.damaged-*")
    assert str(aside) in note
    assert json.loads(inspected(capsys, "last", "--format", "json"))["run_id"] == run[5:]


def test_a_failed_run_is_stored_with_its_prompt(
    llama: tiny.Family, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    folders = [str(llama.base), str(tmp_path / "missing"), str(llama.antiexpert)]
    names = ("--base", "--expert", "--antiexpert")
    given = [part for pair in zip(names, folders, strict=True) for part in pair]
    assert main(["generate", *given, PROMPT, "--save"]) == 2
    assert "run: " in capsys.readouterr().err
    told = json.loads(inspected(capsys, "last", "--format", "json"))
    assert told["prompt"] == PROMPT
    assert "missing" in told["error"]


# Again


@pytest.mark.slow
def test_repeating_a_run_gives_the_same_tokens(
    saved: dict[str, object], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["generate", "--again", str(saved["run_id"]), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["token_ids"] == saved["token_ids"]
    assert told["finish_reason"] == saved["finish_reason"]


@pytest.mark.slow
@pytest.mark.parametrize("drafts", [True, False])
def test_a_run_is_repeated_with_its_speculation_setting(
    llama: tiny.Family, capsys: pytest.CaptureFixture[str], drafts: bool, own_history: Path
) -> None:
    models = {"base": llama.base, "expert": llama.expert, "antiexpert": llama.antiexpert}
    roles = [part for role, folder in models.items() for part in (f"--{role}", str(folder))]
    options = [] if drafts else ["--no-speculation"]
    made = ["generate", PROMPT, *roles, "--max-new-tokens", "3", "--save", *options]
    assert main(made) == 0
    assert main(["generate", "--again", "last", "--json"]) == 0
    printed = capsys.readouterr()
    found = json.loads(printed.out.splitlines()[-1])
    assert (found["speculation"] is not None) == drafts


@pytest.mark.slow
def test_alphas_that_changed_during_a_run_are_repeated(
    llama: tiny.Family, own_history: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = llama.recipe(1.0)
    config = GenerationConfig(max_new_tokens=14, temperature=1.2, seed=11)
    run = NewRun(new_run_id(), PROMPT, recipe, config)
    saving = RunSaver(own_history, run)
    alphas = LiveAlphas((1.0,))
    came = []

    def receive(event: Event) -> None:
        saving.receive(event)
        if isinstance(event, TokenDecoded):
            came.append(event.step)
            alphas.set((1.0 - 0.6 * len(came),))

    engine = Engine(receive)
    engine.handle(Load(1, recipe, Cancellation()))
    engine.handle(Generate(2, PROMPT, config, alphas, Cancellation()))
    saving.close()
    assert len({step.alphas for step in came}) > 5
    assert main(["generate", "--again", "last", "--json", "--save"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["token_ids"] == [step.token_id for step in came]
    again = json.loads(inspected(capsys, "last", "--format", "json"))
    assert [token["alphas"] for token in again["tokens"]] == [list(s.alphas) for s in came]
    assert main(["generate", "--again", "last"]) == 0  # a repetition can be repeated


@pytest.mark.slow
@pytest.mark.parametrize("policy", ["ramp:2:0:4", "kl:0.1"])
def test_a_run_with_a_policy_of_alpha_is_repeated_with_the_alphas_it_had(
    roles: list[str], capsys: pytest.CaptureFixture[str], policy: str
) -> None:
    asked = [*roles, PROMPT, "--seed", "3", "--alpha", "1.5", "--alpha-policy", policy]
    assert main([*asked, "--json", "--save"]) == 0
    first = json.loads(capsys.readouterr().out)
    assert len({tuple(step["alphas"]) for step in first["steps"]}) > 3
    stored = json.loads(inspected(capsys, "last", "--format", "json"))
    assert stored["settings"]["alpha_policy"] == policy
    assert [token["alphas"] for token in stored["tokens"]] == [
        step["alphas"] for step in first["steps"]
    ]
    assert main(["generate", "--again", "last", "--json"]) == 0
    again = json.loads(capsys.readouterr().out)
    assert again["token_ids"] == first["token_ids"]
    assert again["skipped"] is None
    skipped = [token["skipped"] for token in stored["tokens"]]
    assert skipped == [step["skipped"] for step in first["steps"]]
    assert any(skipped) == (policy == "ramp:2:0:4")
    assert policy in inspected(capsys, "last")


@pytest.mark.slow
def test_differing_tokens_are_reported_with_other_differences(
    saved: dict[str, object], own_history: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with closing(sqlite3.connect(own_history)) as connection, connection:
        connection.execute("UPDATE token SET token_id = token_id + 1 WHERE position = 2")
        connection.execute("UPDATE run SET roles = replace(roles, 'sampled:', 'sampled:0')")
    assert main(["generate", "--again", "last"]) == 1
    err = capsys.readouterr().err
    assert err.startswith(f"tuneshift: Token 3 differs from {saved['run_id']}")
    assert "fingerprint was sampled:0" in err
    assert err.count("\n") == 1


@pytest.mark.process
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
@pytest.mark.parametrize("format_name", ["text", "table", "svg"])
def test_unwritable_output_is_one_line(saved: dict[str, object], format_name: str) -> None:
    command = [sys.executable, "-m", "app", "inspect", "last", "--format", format_name]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=240)
    assert done.returncode == 2
    assert done.stderr == "tuneshift: The output cannot be written. No space left on device.\n"


def test_a_long_export_tells_how_far_it_is_on_a_terminal(
    saved: dict[str, object],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = tmp_path / "run.json"
    as_before = inspected(capsys, "last", "--format", "json", "--output", str(path))
    content = path.read_bytes()
    terminal = on_terminal(monkeypatch)
    monkeypatch.setattr("app.cli.inspect_command._PROGRESS_STEP", 5)
    assert main(["inspect", "last", "--format", "json", "--output", str(path)]) == 0
    assert as_before == ""
    assert terminal.getvalue() == "\r\033[KExporting: 0%\r\033[KExporting: 50%\r\033[K"
    assert path.read_bytes() == content
