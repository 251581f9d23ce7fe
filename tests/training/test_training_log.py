"""What reaches the log and the terminal of a training whose texts are in every error."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from app.training.data.documents import Document, Passage
from app.training.data.split import split_documents
from app.training.data.training_files import LOG, TRAINING
from app.training.plan.training_plan import TrainingPlan
from tests.training.conftest import started

pytestmark = [
    pytest.mark.process,
    pytest.mark.timeout(600),  # a process that imports torch, on a machine that may be busy
]
SECRET = "grandmother’s maiden name"
TRAINS = """
import os, sys, threading, warnings
from multiprocessing import Pipe
from pathlib import Path

from app.training.process import expert_run
from app.training.process.training_child import work
from transformers.utils import logging


class PanicError(BaseException):
    pass


def panic_in_rust(text):
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    tokenizer = Tokenizer(models.WordLevel({text: 0, "?": 1}, unk_token="?"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.enable_truncation(5, stride=4)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="? ? ? $A", special_tokens=[("?", 1)]
    )
    tokenizer.encode(text)


def raise_error(kind, text):
    if kind == "panic in Rust":
        panic_in_rust(text)
    if kind == "missing file":
        open(text)
    if kind == "abort":
        os.write(2, text.encode())
        os.abort()
    raise {"runtime error": RuntimeError, "panic": PanicError, "thread": ValueError}[kind](text)


class Collected:
    def __init__(self, text):
        self.text = text

    def __del__(self):
        raise LookupError(self.text)


def run_training(folder, channel):
    text = folder.read()[1].training[0].passages[0].text
    print(text, flush=True)
    warnings.warn(text)
    logging.get_logger("transformers").warning(text)
    os.write(1, text.encode())
    os.write(2, text.encode())
    thread = threading.Thread(target=raise_error, args=("thread", text))
    thread.start()
    thread.join()
    Collected(text)
    try:
        raise KeyError(text)
    except KeyError:
        raise_error(sys.argv[2], text)


expert_run.run_training = run_training
work(Path(sys.argv[1]), Pipe()[0])
"""


@pytest.mark.parametrize(
    ("kind", "last"),
    [
        ("runtime error", "RuntimeError"),
        ("panic", "PanicError"),
        ("panic in Rust", "PanicException"),
        ("missing file", f"FileNotFoundError: {os.strerror(2)}"),
        pytest.param(
            "abort", None, marks=pytest.mark.skipif(os.name == "nt", reason="needs SIGABRT")
        ),
    ],
)
def test_texts_reach_no_log_and_no_terminal(
    plan: TrainingPlan, tmp_path: Path, kind: str, last: str | None
) -> None:
    documents = [Document(f"{n}", (Passage(f"{SECRET} {n * 7919}"),)) for n in range(30)]
    folder = started(tmp_path / "run", replace(plan, data="letters"), split_documents(documents))
    assert SECRET in (folder.path / TRAINING).read_text(encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", TRAINS, str(folder.path), kind],
        capture_output=True,
        timeout=600,
        check=False,
    )
    assert done.returncode != 0
    assert done.stdout == b""
    assert done.stderr == b""
    said = [path for path in folder.path.rglob("*") if path.is_file() and path.name != TRAINING]
    for path in said:
        assert SECRET.encode() not in path.read_bytes(), path.name
    lines = (folder.path / LOG).read_text(encoding="utf-8").splitlines()
    assert lines.count("ValueError") == 1  # that of the thread
    assert "LookupError" in lines
    assert any("training_child.py" in line for line in lines)
    if last is None:
        assert any("Aborted" in line for line in lines)
    else:
        assert lines[-1] == last
