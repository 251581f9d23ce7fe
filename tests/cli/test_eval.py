"""``tuneshift eval``: options, output and exit status."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from app.__main__ import main
from app.history.database import Database
from app.history.evaluation_summaries import EvaluationArchive
from tests import tiny


@pytest.fixture
def task(tmp_path: Path) -> Path:
    lines = [
        {"prompt": prompt, "answer": " the king", "choices": [" a", " the king"], "gold": 1}
        for prompt in ("the king said", "How many?", "thou art", "x")
    ]
    (tmp_path / "data.jsonl").write_text("\n".join(map(json.dumps, lines)))
    path = tmp_path / "mine.toml"
    path.write_text('format = 1\nmetric = "bits"\ndata = "data.jsonl"\n')
    return path


@pytest.fixture
def options(llama: tiny.Family, tmp_path: Path) -> list[str]:
    # Of these random models, the one that is the base elsewhere finds the task's answers likeliest.
    folders = {"base": llama.antiexpert, "expert": llama.base, "antiexpert": llama.expert}
    given = [part for role, folder in folders.items() for part in (f"--{role}", str(folder))]
    return ["eval", *given, "--dtype", "float32", "--output", str(tmp_path / "out")]


@pytest.mark.slow
def test_the_table_has_a_row_for_every_variant(
    options: list[str], task: Path, llama: tiny.Family, capsys: pytest.CaptureFixture[str]
) -> None:
    roles = f"base,expert,tuned,direct={llama.base}"
    asked = [*options, "--tasks", str(task), "--roles", roles, "--alpha-scale", "0,0.5,1"]
    assert main(asked) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "mine: bits per byte, lower is better"
    assert lines[1].split("  ")[-1] == "gap closed"
    names = [line[2:].split("  ")[0] for line in lines[2:8]]
    assert names == ["base", "expert", "tuned ×0", "tuned ×0.5", "tuned", "direct"]
    scores = {
        name: float(line.split()[-3 - name.startswith("tuned")])
        for name, line in zip(names, lines[2:8], strict=True)
    }
    assert scores["tuned ×0"] == pytest.approx(scores["base"], abs=1e-4)
    assert lines[4].endswith("0.0%")


@pytest.mark.slow
def test_json_equals_results_json(
    options: list[str],
    task: Path,
    llama: tiny.Family,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    roles = f"base,tuned,direct={llama.base}"
    asked = [*options, "--tasks", str(task), "--roles", roles, "--limit", "3", "--json"]
    assert main([*asked, "--batch-size", "2"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report == json.loads((tmp_path / "out" / "results.json").read_text())
    (found,) = report["tasks"]
    assert (report["complete"], found["task"], found["higher_is_better"]) == (True, "mine", False)
    base, tuned, direct = found["results"]
    assert [r["questions"] for r in found["results"]] == [3, 3, 3]
    assert (base["alphas"], tuned["alphas"], tuned["alpha_scale"]) == (None, [1.0], 1.0)
    gap = (tuned["score"] - base["score"]) / (direct["score"] - base["score"])
    assert tuned["gap_closed"] == {"direct": pytest.approx(gap)}
    assert base["gap_closed"] == {}
    kept = list((tmp_path / "out" / "answers" / "mine").glob("*.jsonl"))
    assert sorted(path.stem for path in kept) == ["base", "direct", "tuned"]
    assert main(asked) == 0
    assert json.loads(capsys.readouterr().out) == report


@pytest.mark.process
def test_ctrl_c_keeps_answers_and_the_same_command_resumes(
    options: list[str], task: Path, tmp_path: Path
) -> None:
    task.write_text(
        'format = 1\nmetric = "contains"\ndata = "data.jsonl"\n[generation]\nmax_new_tokens = 5\n'
    )
    asked = [*options, "--tasks", str(task), "--roles", "base,tuned", "--batch-size", "1"]
    code = (
        "import sys, signal\n"
        "from app.evaluation.store import AnswerFile\n"
        "append, count = AnswerFile.append, 0\n"
        "def interrupting(self, records):\n"
        "    global count\n"
        "    append(self, records)\n"
        "    count += 1\n"
        "    if count == 3: signal.raise_signal(signal.SIGINT)\n"
        "AnswerFile.append = interrupting\n"
        "from app.__main__ import main\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )

    stopped = subprocess.run(
        [sys.executable, "-c", code, *asked], capture_output=True, text=True, check=False
    )
    assert (stopped.returncode, "Stopped." in stopped.stderr) == (130, True), stopped.stderr
    files = list((tmp_path / "out" / "answers" / "mine").glob("*.jsonl"))
    assert sum(len(path.read_text().splitlines()) for path in files) == 3
    assert main(asked) == 0
    for name in ("base", "tuned"):
        lines = (tmp_path / "out" / "answers" / "mine" / f"{name}.jsonl").read_text().splitlines()
        assert sorted(json.loads(line)["index"] for line in lines) == [0, 1, 2, 3]


@pytest.mark.slow
def test_programs_are_run_only_with_permission(
    options: list[str],
    task: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("app.evaluation.evaluation_run.passes", lambda program: True)
    task.write_text(
        'format = 1\nmetric = "code"\ndata = "data.jsonl"\n[generation]\nmax_new_tokens = 3\n'
    )
    asked = [*options, "--tasks", str(task), "--roles", "base"]
    assert main(asked) == 2
    assert "--allow-code-execution" in capsys.readouterr().err
    assert main([*asked, "--allow-code-execution"]) == 0
    assert "pass@1" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--tasks", "gsm8k-zero-sho"], "Did you mean gsm8k-zero-shot"),
        (["--tasks", "gsm8k-zero-shot"], "--data gsm8k-zero-shot=FILE"),
        (
            ["--tasks", "gsm8k-zero-shot", "--data", "nowhere.jsonl"],
            "data file nowhere.jsonl does not exist",
        ),
        (["--tasks", "nowhere.toml"], "nowhere.toml cannot be read"),
        (["--tasks", ","], "empty"),
        (["--tasks", "TASK", "--roles", "bsae"], "“base”"),
        (["--tasks", "TASK", "--alpha-scale", "x"], "α scales"),
        (["--tasks", "TASK", "--alpha-scale", "nan"], "α scales"),
        (["--tasks", "TASK", "--limit", "0"], "limit"),
        (["--tasks", "TASK", "--batch-size", "0"], "auto or a number"),
        (["--tasks", "TASK", "--data", "other=x.jsonl"], "other"),
        (["--tasks", "TASK,TASK2"], "the name “mine”"),
        ([], "--tasks"),
    ],
)
def test_invalid_options_are_one_line_and_status_2(
    more: list[str], said: str, options: list[str], task: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = task.with_name("other.toml")
    other.write_text('name = "mine"\n' + task.read_text())
    paths = {"TASK": str(task), "TASK,TASK2": f"{task},{other}"}
    assert main([*options, *(paths.get(part, part) for part in more)]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert said in output.err
    assert output.err.count("\n") == 1


@pytest.mark.slow
def test_shifts_are_printed_and_the_summary_is_saved(
    options: list[str],
    task: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    history = tmp_path / "history.sqlite3"
    monkeypatch.setattr("app.cli.eval_command.history_file", lambda: history)
    task.write_text(
        'format = 1\nmetric = "match"\ndata = "data.jsonl"\n[generation]\nmax_new_tokens = 6\n'
        '[export.fields]\ntext = "{output}"\n'
    )
    asked = [*options, "--tasks", str(task), "--shifts", "--save"]
    assert main(asked) == 0
    told = capsys.readouterr().out
    assert "mine, tuned: mean shift" in told
    assert "first words of a sentence" in told
    assert str(tmp_path / "out" / "exports" / "mine" / "tuned-answers.jsonl") in told
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    (base, _, tuned) = results["tasks"][0]["results"]
    assert base["shifts"] is None
    counts = {name: found["tokens"] for name, found in tuned["shifts"].items()}
    assert counts.pop("all") == sum(counts.values()) > 0
    archive = EvaluationArchive(Database(history))
    (summary,) = archive.all()
    monkeypatch.setattr("app.cli.inspect_command.history_file", lambda: history)
    assert main(["inspect", "--list"]) == 0
    listed = capsys.readouterr().out
    assert f": {tmp_path / 'out'}\n    mine, exact match: base " in listed
    assert f"tuned {tuned['score']:.4f}" in listed
    assert main(["inspect", "--search", "nothing like this"]) == 0
    assert capsys.readouterr().out == "No matching runs.\n"
    archive.close()
    assert (summary.complete, summary.folder) == (True, str(tmp_path / "out"))
    assert json.loads(summary.results) == results["tasks"]


@pytest.mark.slow
def test_policies_of_alpha_are_compared_with_the_best_constant(
    options: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["the king said", "How many?", "thou art", "x", "the sea", "12 + 30", "a", "pears"]
    lines = [{"prompt": prompt, "answer": " the king"} for prompt in words]
    (tmp_path / "data.jsonl").write_text("\n".join(map(json.dumps, lines)))
    (tmp_path / "mine.toml").write_text('format = 1\nmetric = "bits"\ndata = "data.jsonl"\n')
    asked = [*options, "--tasks", str(tmp_path / "mine.toml"), "--roles", "tuned"]
    asked += ["--alpha-scale", "0,1", "--alpha-policy", "kl:0,ramp:1:1:5"]
    assert main([*asked, "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)["tasks"]
    scores = {(row["alpha_scale"], row["alpha_policy"]): row["score"] for row in found["results"]}
    assert len(scores) == 6
    assert scores[1.0, "ramp:1:1:5"] == pytest.approx(scores[1.0, "constant"], rel=1e-6)
    assert scores[1.0, "kl:0"] == pytest.approx(scores[0.0, "constant"], rel=1e-5)
    verdict = found["alpha_policies"]
    assert verdict["questions"] == 4
    assert not verdict["better"]
    assert verdict["gain"] == pytest.approx(0.0, abs=1e-5)
    assert main(asked) == 0  # from stored answers
    assert "No policy of alpha is better than the best constant" in capsys.readouterr().out
