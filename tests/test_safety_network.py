"""Nothing listens and nothing is asked of a network, as long as a person asks for neither.

Python tells an audit hook of every address that is looked up, connected to or listened at, so the
whole program is run under one, in a process of its own.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.process

_WATCHED = """
import sys
told = open(sys.argv.pop(1), "a", buffering=1)
sys.addaudithook(
    lambda event, arguments: event.startswith("socket.") and event not in HARMLESS
    and told.write(f"{event} {arguments[1:]}\\n")
)
HARMLESS = {"socket.__new__", "socket.gethostname"}
"""
_COMMAND = """
from app.__main__ import main
sys.exit(main(sys.argv[1:]))
"""
_WINDOW = """
from app.ui import starting
from app.ui.main_window import MainWindow
from app.ui.state.session import LoadState
make = MainWindow.__init__
def closed_after_a_run(self, session, memory):
    make(self, session, memory)
    def go_on():
        if session.load_state is LoadState.LOADED and session.runs.current is None:
            session.runs.generate("To be")
    def end():
        if session.runs.current is not None and not session.runs.running:
            print(len(session.runs.current.tokens))
            self.close()
    session.load_changed.connect(go_on)
    session.runs.run_changed.connect(end)
MainWindow.__init__ = closed_after_a_run
from dataclasses import replace
from app.checkpoints.recipes.recipe_file import find_recipe
recipe = find_recipe("demo")
sampling = replace(recipe.sampling, max_new_tokens=3)
sys.exit(starting.run(replace(recipe, sampling=sampling, new_seeds=False)))
"""


def run(code: str, tmp_path: Path, *arguments: str) -> tuple[str, list[str]]:
    """What a process printed, and what it asked of the network."""
    told = tmp_path / "network"
    told.touch()
    folders = {
        name: str(tmp_path / name)
        for name in os.environ
        if name.startswith("XDG_") and "_HOME" in name
    }
    environment = {
        **{name: value for name, value in os.environ.items() if name != "HF_HUB_OFFLINE"},
        **folders,
        "QT_QPA_PLATFORM": "offscreen",
    }
    done = subprocess.run(
        [sys.executable, "-c", _WATCHED + code, str(told), *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout, told.read_text().splitlines()


def test_the_hook_tells_of_what_it_is_for(tmp_path: Path) -> None:
    """Otherwise the others would hold for any program."""
    code = """
import socket
listener = socket.create_server(("127.0.0.1", 0))
socket.create_connection(listener.getsockname()).close()
"""
    _, told = run(code, tmp_path)
    events = {line.partition(" ")[0] for line in told}
    assert {"socket.bind", "socket.connect", "socket.getaddrinfo"} <= events


def test_a_run_in_the_terminal_asks_nothing_of_the_network(tmp_path: Path) -> None:
    options = ("--recipe", "demo", "--max-new-tokens", "3", "--save")
    printed, told = run(_COMMAND, tmp_path, "generate", "To be", *options)
    assert printed
    assert told == []


def test_the_window_asks_nothing_of_the_network(tmp_path: Path) -> None:
    """From its start over a load and a run with its history to its end."""
    printed, told = run(_WINDOW, tmp_path)
    assert printed == "3\n"
    assert told == []
