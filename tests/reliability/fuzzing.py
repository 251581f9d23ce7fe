"""Files that are damaged at random, and what must come of each: an answer, or an error with words.

A case is a seed, so that whatever is found can be had again.
"""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from PySide6.QtCore import QSettings

from app.checkpoints.formats.gguf import read_header
from app.checkpoints.formats.gguf_header import read_contents
from app.checkpoints.loading.trial_load import try_in_child
from app.checkpoints.recipes.recipe_file import read_recipe, write_recipe
from app.checkpoints.spec import CheckpointSpec, ExpertPair, Recipe
from app.decoding.types import GenerationConfig
from app.engine.commands import Generate, Load
from app.engine.controls import Cancellation, LiveAlphas
from app.engine.engine import Engine
from app.engine.events import Event, Failed
from app.errors import HistoryError, SettingsError, TuneshiftError
from app.history.archive import Archive, Query
from app.history.database import open_history
from app.history.export.document import read_document
from app.history.export.formats import FORMATS
from app.settings import Settings, config_folder, load_settings, save_settings
from app.ui.bridge import Bridge
from app.ui.main_window import MainWindow
from app.ui.starting import make_application
from app.ui.state.session import Session
from tests import tiny, tiny_gguf
from tests.history.invented import Desk, new_run, write_run

_WORDS = (
    *(b"\x00", b"\xff\xfe", b"\xed\xa0\x80", b"\n", b'"', b"'''", b"[[", b"{", b"../../etc/passwd"),
    *(b"-1", b"1e999", b"nan", b"inf", b"null", b"true", b"99999999999999999999"),
)
_MOST_CHANGES = 4
_FRAME = 8
"""What the frame of a window may take of a screen's width, where that is small."""


def damaged(content: bytes, drawn: random.Random) -> bytes:
    """``content`` with a few changes: bytes flipped, cut, doubled, moved, or put in."""
    changed = bytearray(content)
    for _ in range(drawn.randint(1, _MOST_CHANGES)):
        place = drawn.randrange(len(changed) + 1)
        end = min(len(changed), place + drawn.choice((1, 2, 8, 100, 5000)))
        kind = drawn.randrange(7)
        if kind == 0 and place < len(changed):
            changed[place] ^= 1 << drawn.randrange(8)
        elif kind == 1:
            del changed[place:]
        elif kind == 2:
            del changed[place:end]
        elif kind == 3:
            changed[place:place] = drawn.choice(_WORDS)
        elif kind == 4:
            changed[place:end] = drawn.randbytes(end - place)
        elif kind == 5:
            changed[place:place] = changed[place:end]
        else:
            changed[place:end] = bytes(end - place)
    return bytes(changed)


class Preferences:
    """Preferences: read, or set aside under a name that is told."""

    def __init__(self, folder: Path) -> None:
        save_settings(Settings(theme="dark", model_folder="/models", row_megabytes=64))
        self._path = config_folder() / "settings.toml"
        self._whole = self._path.read_bytes()

    def __call__(self, drawn: random.Random) -> str:
        content = damaged(self._whole, drawn)
        self._path.write_bytes(content)
        try:
            load_settings()
            return "read"
        except SettingsError as error:
            said = str(error)
        (aside,) = self._path.parent.glob("settings.damaged-*")
        assert str(aside) in said
        assert aside.read_bytes() == content
        assert load_settings() == Settings()  # the next start begins anew
        aside.unlink()
        return "refused"


class Recipes:
    """Recipe files: read, or an error that says what is wrong."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "mine.toml"
        spec = tiny.spec(Path("/models/a"))
        sampling = GenerationConfig(stop=("\n",), seed=3)
        recipe = Recipe("mine", spec, (ExpertPair("p", spec, spec, 0.5),), sampling=sampling)
        write_recipe(recipe, self._path)
        self._whole = self._path.read_bytes()

    def __call__(self, drawn: random.Random) -> str:
        self._path.write_bytes(damaged(self._whole, drawn))
        try:
            read_recipe(self._path)
        except TuneshiftError:
            return "refused"
        return "read"


class History:
    """A history: used as far as it is whole, or set aside; new runs are written in any case."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "runs" / "history.sqlite3"
        desk = Desk(self._path)
        parent = new_run("parent")
        write_run(desk.writer, parent, 12)
        write_run(desk.writer, new_run("branch", parent=parent.id, fork_index=5), 4)
        desk.close()
        self._whole = self._path.read_bytes()

    def __call__(self, drawn: random.Random) -> str:
        shutil.rmtree(self._path.parent)
        self._path.parent.mkdir()
        content = damaged(self._whole, drawn)
        self._path.write_bytes(content)
        told: list[HistoryError] = []
        database = open_history(self._path, told.append)
        _read_everything(database)
        for error in told:
            if "is kept as" in str(error):
                (aside,) = self._path.parent.glob("*.damaged-*.sqlite3")
                assert str(aside) in str(error)
        database.close()
        desk = Desk(self._path)
        run = new_run("new")
        write_run(desk.writer, run, 3)
        archive = desk.archive()
        assert len(archive.tokens(run.id)) == 3
        archive.close()
        desk.close()
        return "set aside" if told or desk.told else "read"


def _read_everything(database: Any) -> None:
    try:
        archive = Archive(database)
    except HistoryError:
        return
    with closing(archive):
        for act in (archive.find, archive.tags, lambda: archive.find(Query(words="a"))):
            _try(act)
        for summary in _try(archive.find) or ():
            _try(lambda id_=summary.id: archive.get(id_))
            _try(lambda id_=summary.id: list(archive.all_candidates(id_)))
            document = _try(lambda id_=summary.id: read_document(archive, id_))
            for write in FORMATS.values() if document else ():
                _try(lambda write=write, document=document: write(document))


def _try(act: Callable[[], Any]) -> Any:
    try:
        return act()
    except HistoryError:
        return None


class Checkpoints:
    """A folder with a model: loaded and used, or an error with words; the engine goes on."""

    FILES = ("config.json", "tokenizer.json", "tokenizer_config.json", "generation_config.json",
             "model.safetensors")  # fmt: skip

    def __init__(self, folder: Path) -> None:
        family = tiny.make_family(folder / "family", "llama")
        self._folder = folder / "damaged"
        shutil.copytree(family.base, self._folder)
        self._whole = {name: (family.base / name).read_bytes() for name in self.FILES}
        self._user = RecipeUser(tiny.spec(family.expert), tiny.spec(family.antiexpert))

    def __call__(self, drawn: random.Random) -> str:
        for name, content in self._whole.items():
            (self._folder / name).write_bytes(content)
        name = drawn.choice(self.FILES)
        if drawn.random() < 0.5 and name.endswith("json"):
            changed = _other_value(json.loads(self._whole[name]), drawn)
            (self._folder / name).write_text(json.dumps(changed))
        else:
            (self._folder / name).write_bytes(damaged(self._whole[name], drawn))
        return self._user.use(tiny.spec(self._folder))


class GgufRoles:
    """A GGUF file as the base, for llama.cpp: loaded and used, or an error with words."""

    def __init__(self, folder: Path) -> None:
        files = [
            tiny_gguf.write(tiny.make_model("llama", seed), folder / f"{seed}.gguf")
            for seed in range(2)
        ]
        self._folder = folder
        self._whole = files[0].read_bytes()
        self._user = RecipeUser(*map(_for_llama, files))
        self._count = 0

    def __call__(self, drawn: random.Random) -> str:
        content = bytearray(self._whole)
        for _ in range(drawn.randint(1, 3)):  # anywhere, so most often in the numbers of tensors
            content[drawn.randrange(4, len(content))] = drawn.choice((0, 1, 64, 127, 255))
        self._count += 1  # the file of the case before may still be mapped
        path = self._folder / f"damaged-{self._count}.gguf"
        path.write_bytes(content)
        try:
            return self._user.use(_for_llama(path))
        finally:
            path.unlink()


def _for_llama(path: Path) -> CheckpointSpec:
    return CheckpointSpec(f"gguf:{path}", engine="llama.cpp")


class RecipeUser:
    """An engine that loads one base after another with the same pair, and generates."""

    def __init__(self, expert: CheckpointSpec, antiexpert: CheckpointSpec) -> None:
        self._events: list[Event] = []
        self._engine = Engine(self._events.append)
        self._pair = ExpertPair("p", expert, antiexpert)

    def use(self, base: CheckpointSpec) -> str:
        """Load and generate; whether it was used or refused in words."""
        config = GenerationConfig(max_new_tokens=3)
        recipe = Recipe("r", base, (self._pair,), sampling=config)
        self._engine.handle(Load(1, recipe, Cancellation()))
        failed = self._last()
        if failed is None:
            self._engine.handle(Generate(2, "the king", config, LiveAlphas((1.0,)), Cancellation()))
            failed = self._last()
        if failed is None:
            return "used"
        assert failed.error is not None
        assert not failed.details, failed.details  # a defect of the program has a traceback
        return "refused"

    def _last(self) -> Failed | None:
        last = self._events[-1]
        self._events.clear()
        return last if isinstance(last, Failed) else None


def _other_value(content: Any, drawn: random.Random) -> Any:
    """JSON with one value, somewhere, that nobody expects there."""
    strange: tuple[Any, ...] = (
        None,
        -1,
        0,
        10**12,
        1.5,
        "",
        "x",
        [],
        {},
        [None],
        True,
        float("nan"),
    )
    if not content or not isinstance(content, dict | list) or drawn.random() < 0.1:
        return drawn.choice(strange)
    key = drawn.choice(list(content) if isinstance(content, dict) else range(len(content)))
    content[key] = _other_value(content[key], drawn)
    return content


class Gguf:
    """A GGUF file: its header is read, or refused in words."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "tiny.gguf"
        self._whole = tiny_gguf.write(tiny.make_model("llama", 7), self._path).read_bytes()

    def __call__(self, drawn: random.Random) -> str:
        head, rest = self._whole[:20_000], self._whole[20_000:]
        self._path.write_bytes(damaged(head, drawn) + rest)
        try:
            read_header(self._path)
        except TuneshiftError:
            return "refused"
        return "read"


class Trials:
    """A GGUF file for llama.cpp: its header is refused, or it is tried where it can do no harm."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "tiny.gguf"
        self._whole = tiny_gguf.write(tiny.make_model("llama", 7), self._path).read_bytes()
        tensors = read_contents(self._path).tensors.values()
        self._header = min(tensor.start for tensor in tensors)

    def __call__(self, drawn: random.Random) -> str:
        content = bytearray(self._whole)
        for _ in range(drawn.randint(1, 3)):  # nothing moves, so that most headers can be read
            content[drawn.randrange(4, self._header)] = drawn.choice((0, 1, 64, 255))
        self._path.write_bytes(content)
        try:
            read_header(self._path)
            try_in_child([self._path])
        except TuneshiftError:
            return "refused"
        return "computed"


class WindowState:
    """What the window remembers between starts: taken as far as it makes sense."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "window.ini"
        self._application = make_application()
        spec = tiny.spec(Path("/models/a"))
        self._recipe = Recipe("mine", spec, (ExpertPair("p", spec, spec),))
        self._open().remember()
        self._whole = self._path.read_bytes()

    def _open(self) -> MainWindow:
        session = Session(Bridge(), self._recipe, Settings())
        memory = QSettings(str(self._path), QSettings.Format.IniFormat)
        return MainWindow(session, memory)

    def __call__(self, drawn: random.Random) -> str:
        self._path.write_bytes(damaged(self._whole, drawn))
        window = self._open()
        window.show()
        self._application.processEvents()
        room = window.screen().availableGeometry().width() - _FRAME
        assert window.width() >= min(window.minimumWidth(), room)
        assert not window.isFullScreen()
        window.close()
        window.deleteLater()
        self._application.processEvents()
        return "opened"


TARGETS: dict[str, Callable[[Path], Callable[[random.Random], str]]] = {
    "settings": Preferences,
    "recipes": Recipes,
    "history": History,
    "checkpoints": Checkpoints,
    "gguf": Gguf,
    "trials": Trials,
    "gguf roles": GgufRoles,
    "window": WindowState,
}
