"""The installed ``tuneshift`` command itself, in a real window under Xvfb."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.resources import resource

WAITING = "waiting for the engine, a request, a download or the history to end\n"
COMMAND = Path(sys.executable).with_name("tuneshift")

pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(not COMMAND.exists(), reason="tuneshift is not installed here"),
    pytest.mark.skipif(
        not resource("demo", "base", "model.safetensors").exists(),
        reason="the demo checkpoints are not built",
    ),
]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    without = ("QT_QPA_PLATFORM", "WAYLAND_DISPLAY", "DISPLAY")
    kept = {name: value for name, value in os.environ.items() if name not in without}
    folders = ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME")
    return kept | {name: str(tmp_path / name.lower()) for name in folders}


@pytest.fixture
def display(environment: dict[str, str]) -> Iterator[dict[str, str]]:
    """The environment with a screen of its own."""
    xvfb = shutil.which("Xvfb")
    if xvfb is None:
        pytest.skip("Xvfb is not installed")
    reading, writing = os.pipe()
    screen = [xvfb, "-displayfd", str(writing), "-screen", "0", "1280x720x24", "-nolisten", "tcp"]
    server = subprocess.Popen(screen, pass_fds=(writing,), stderr=subprocess.DEVNULL)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        number = pipe.readline().strip()
    yield environment | {"DISPLAY": f":{number}"}
    server.terminate()
    server.wait()


def test_the_command_reports_a_missing_display(environment: dict[str, str]) -> None:
    done = subprocess.run(
        [COMMAND], env=environment, capture_output=True, text=True, check=False, timeout=240
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "no screen" in done.stderr


def test_the_window_opens_and_closes_cleanly(display: dict[str, str]) -> None:
    xdotool = shutil.which("xdotool")
    if xdotool is None:
        pytest.skip("xdotool is not installed")
    window = subprocess.Popen([COMMAND], env=display, stderr=subprocess.PIPE, text=True)
    try:
        found = subprocess.run(
            [xdotool, "search", "--sync", "--onlyvisible", "--name", "^Tuneshift$"],
            env=display,
            capture_output=True,
            text=True,
            check=True,
            timeout=240,
        )
        assert found.stdout.strip()
    finally:
        window.send_signal(signal.SIGTERM)
        _, errors = window.communicate(timeout=240)
    # It was asked to end while torch was being imported, and may say that it waits for that.
    assert (window.returncode, errors.replace(WAITING, "")) == (0, "")


def test_the_demo_is_the_default_recipe(environment: dict[str, str]) -> None:
    done = subprocess.run(
        [COMMAND, "generate", "--max-new-tokens", "5", "--shifts"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=240,
    )
    assert done.stderr == ""
    assert "Shakespeare" in done.stdout
