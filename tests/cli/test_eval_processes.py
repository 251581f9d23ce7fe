"""Two processes that share an evaluation: torchrun starts them, which needs no MPI on a CPU."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.__main__ import main
from tests import tiny
from tests.cli.test_eval import options, task

pytestmark = pytest.mark.process

__all__ = ["options", "task"]

YAML = """\
task: of_harness
dataset_path: json
dataset_kwargs: {{data_files: {{test: {data}}}}}
test_split: test
output_type: multiple_choice
doc_to_text: "{{{{prompt}}}}"
doc_to_choice: "{{{{choices}}}}"
doc_to_target: "{{{{gold}}}}"
metric_list: [{{metric: acc}}]
"""


@pytest.mark.timeout(600)
def test_two_processes_give_the_scores_of_one(
    options: list[str],
    task: Path,
    llama: tiny.Family,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    pytest.importorskip("lm_eval", reason="the extra eval is not installed")
    of_harness = tmp_path / "of_harness.yaml"
    of_harness.write_text(YAML.format(data=tmp_path / "data.jsonl"))
    asked = [*options, "--roles", "base,tuned", "--limit", "3", "--tasks"]
    launch = ["torch.distributed.run", "--standalone", "--nproc_per_node", "2", "--module"]
    done = subprocess.run(
        [sys.executable, "-m", *launch, "app", *asked, f"{task},{of_harness}", "--json"],
        capture_output=True,
        text=True,
        check=False,
        env={
            **os.environ,
            "ACCELERATE_USE_CPU": "1",
            "HF_DATASETS_CACHE": str(tmp_path / "datasets"),
        },
    )
    assert done.returncode == 0, done.stderr
    (report,) = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    files = (tmp_path / "out" / "answers" / "mine").glob("base*.jsonl")
    assert sorted(len(path.read_text().splitlines()) for path in files) == [1, 2]
    assert [t["results"][0]["questions"] for t in report["tasks"]] == [3, 3]

    place = asked.index(str(tmp_path / "out"))
    asked[place] = str(tmp_path / "alone")
    assert main([*asked, str(task), "--json"]) == 0
    alone = json.loads(capsys.readouterr().out)
    for one, other in zip(alone["tasks"][0]["results"], report["tasks"][0]["results"], strict=True):
        assert one["score"] == pytest.approx(other["score"], abs=1e-6)
