"""What the API costs in the window, beside the engine alone and beside ``tuneshift serve``.

python -m tests.bench.serving_window [--recipe demo] [--tokens 48] [--texts 32] [--repeats 2]

The window is shown; set QT_QPA_PLATFORM=offscreen where there is no screen.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QSettings, QTimer

from app.checkpoints.recipes.recipe_file import find_recipe
from app.checkpoints.spec import Recipe
from app.settings import Settings
from app.ui.bridge import Bridge
from app.ui.garbage_timer import GarbageCollector
from app.ui.main_window import MainWindow
from app.ui.starting import make_application
from app.ui.state.session import Session
from tests.bench import serving_clients
from tests.bench.serving import CLIENTS, Served, headless

_POLL_MS = 20


def with_window(recipe: Recipe, work: Callable[[str], None]) -> None:
    """Do ``work``, on a thread of its own, with the address of completions of a window."""
    application = make_application()
    garbage = GarbageCollector(application)
    bridge = Bridge(application)
    session = Session(bridge, recipe, Settings())
    thread: list[threading.Thread] = []

    def poll() -> None:
        if session.model and not session.serving.on and not thread:
            session.serving.start()
        elif session.serving.on and not thread:
            thread.append(
                threading.Thread(target=work, args=(f"{session.serving.url}/completions",))
            )
            thread[0].start()
        elif thread and not thread[0].is_alive():
            application.quit()

    timer = QTimer(interval=_POLL_MS)
    timer.timeout.connect(poll)
    with tempfile.TemporaryDirectory() as folder:
        memory = QSettings(str(Path(folder, "window.ini")), QSettings.Format.IniFormat)
        window = MainWindow(session, memory)
        window.add_plot()
        session.serving.set_address("127.0.0.1", 0, "")
        window.set_model()
        bridge.start()
        session.load()
        timer.start()
        application.exec()
        window.close()
    for owner in (session.serving, session.downloads, bridge):
        owner.close()
        owner.join(60)
    garbage.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recipe", default="demo")
    parser.add_argument("--tokens", type=int, default=48)
    parser.add_argument("--texts", type=int, default=32)
    parser.add_argument("--repeats", type=int, default=2)
    options = parser.parse_args()
    recipe = find_recipe(options.recipe)
    recipe = replace(recipe, sampling=replace(recipe.sampling, max_new_tokens=options.tokens))
    rounds: list[dict[str, Any]] = []

    def measure(url: str) -> None:
        with tempfile.TemporaryDirectory() as folder:
            served = Served(recipe, Path(folder))
        for _ in range(options.repeats):
            found: dict[str, Any] = {"engine alone": headless(recipe, options.texts)}
            for clients in CLIENTS:
                for name, place in (("serve", served.url), ("window", url)):
                    found[f"{name}, {clients} clients"] = serving_clients.measure(
                        place, recipe.sample_prompt, clients, options.texts
                    )
            rounds.append(found)
        served.close()

    with_window(recipe, measure)
    print(json.dumps(rounds, indent=2))


if __name__ == "__main__":
    main()
