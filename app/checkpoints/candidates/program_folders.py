"""Models in the folders of other programs that run models. Nothing in these folders is changed.

Where each program keeps its models is said in the docstring of its function, with the document or
source of the program that says so.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from app.checkpoints import hub
from app.checkpoints.candidates.folder_search import FoundModel, models_in_folder
from app.checkpoints.formats.gguf_files import is_model_file
from app.checkpoints.ollama_manifests import ollama_models
from app.checkpoints.source_names import gguf_name

_MODEL_PATH = re.compile(r'^modelPath="?([^"\r\n]+)"?[ \t]*$', re.MULTILINE)
HUGGING_FACE = "Hugging Face"


@dataclass(frozen=True, slots=True)
class Machine:
    """What decides where programs keep their files: the system, the home and the environment."""

    platform: str = sys.platform
    home: Path = field(default_factory=Path.home)
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)

    def folder(self, name: str) -> Path | None:
        """The folder that an environment variable names, or None."""
        value = self.environment.get(name, "").strip().strip("\"'")
        return Path(value).expanduser() if value else None

    @property
    def data(self) -> Path:
        """The folder of users' data, as Qt's ``AppLocalDataLocation`` has it."""
        if self.platform == "win32":
            return self.folder("LOCALAPPDATA") or self.home / "AppData" / "Local"
        if self.platform == "darwin":
            return self.home / "Library" / "Application Support"
        return self.folder("XDG_DATA_HOME") or self.home / ".local" / "share"

    @property
    def roaming(self) -> Path:
        """The folder of users' data, which on Windows follows the user to other machines."""
        if self.platform == "win32":
            return self.folder("APPDATA") or self.home / "AppData" / "Roaming"
        return self.data

    @property
    def config(self) -> Path:
        """The folder of the INI files of Qt's settings."""
        if self.platform == "win32":
            return self.roaming
        return self.folder("XDG_CONFIG_HOME") or self.home / ".config"

    @property
    def cache(self) -> Path:
        """The folder of caches."""
        if self.platform == "win32":
            return self.folder("LOCALAPPDATA") or self.home / "AppData" / "Local"
        if self.platform == "darwin":
            return self.home / "Library" / "Caches"
        return self.folder("XDG_CACHE_HOME") or self.home / ".cache"


def models_of_programs(
    machine: Machine | None = None, cancelled: Callable[[], bool] = lambda: False
) -> Iterator[FoundModel]:
    """The models in the folders of other programs.

    Args:
        machine: Where to look; this machine by default.
        cancelled: Asked before each folder.
    """
    machine = machine or Machine()
    for program, folders in (
        ("LM Studio", lm_studio_folders(machine)),
        ("GPT4All", gpt4all_folders(machine)),
        ("Jan", jan_folders(machine)),
        ("llama.cpp", llama_cpp_folders(machine)),
    ):
        for folder in dict.fromkeys(folders):
            for found in models_in_folder(folder, cancelled):
                yield replace(found, name=_name_of(found), program=program)
    for store in ollama_stores(machine):
        for model in ollama_models(store):
            path = model.weights
            yield FoundModel(f"gguf:{path}", model.name, path, "Ollama", model.unused)


def lm_studio_folders(machine: Machine) -> Iterator[Path]:
    """The model folders of LM Studio.

    ``settings.json`` in its home names the folder, otherwise it is ``models`` in the home. The home
    is named by ``~/.lmstudio-home-pointer``; it was ``~/.cache/lm-studio`` in older versions and is
    ``~/.lmstudio`` (lmstudio.ai/docs/app/basics/import-model; ``modelsFolder.ts`` of its command
    line, github.com/lmstudio-ai/lms).
    """
    named = _text_in(machine.home / ".lmstudio-home-pointer").strip()
    homes = [machine.home / ".lmstudio", machine.home / ".cache" / "lm-studio"]
    for home in [*([Path(named)] if named else []), *homes]:
        chosen = _value_in(home / "settings.json", "downloadsFolder")
        yield Path(chosen) if chosen else home / "models"


def gpt4all_folders(machine: Machine) -> Iterator[Path]:
    """The model folders of GPT4All and of its Python package.

    The program keeps its models in Qt's ``AppLocalDataLocation`` unless ``modelPath`` in its
    settings names another folder (``mysettings.cpp``, github.com/nomic-ai/gpt4all); the package
    keeps them in ``~/.cache/gpt4all`` (docs.gpt4all.io, ``gpt4all.py``).
    """
    chosen = _MODEL_PATH.search(_text_in(machine.config / "nomic.ai" / "GPT4All.ini"))
    if chosen:
        yield Path(chosen[1].replace("\\\\", "\\"))
    yield machine.data / "nomic.ai" / "GPT4All"
    yield machine.home / ".cache" / "gpt4all"


def jan_folders(machine: Machine) -> Iterator[Path]:
    """The model folders of Jan.

    Models are in ``llamacpp/models`` of the data folder, in older versions in ``models``. The data
    folder is ``JAN_DATA_FOLDER``, or ``data_folder`` in ``Jan/settings.json``, or ``Jan/data`` in
    the folder of users' data (jan.ai/docs/desktop/data-folder; ``commands.rs``,
    github.com/janhq/jan), and was ``~/jan``.
    """
    settings = machine.roaming / "Jan"
    chosen = _value_in(settings / "settings.json", "data_folder")
    named = machine.folder("JAN_DATA_FOLDER") or (Path(chosen) if chosen else None)
    for data in [*([named] if named else []), settings / "data", machine.home / "jan"]:
        yield data / "llamacpp" / "models"
        yield data / "models"


def llama_cpp_folders(machine: Machine) -> Iterator[Path]:
    """The download folders of llama.cpp.

    It is ``LLAMA_CACHE``, or ``llama.cpp`` in the folder of caches (``fs_get_cache_directory`` in
    ``common/common.cpp``, github.com/ggml-org/llama.cpp). Newer versions use the cache of Hugging
    Face unless ``LLAMA_CACHE`` is set (``common/hf-cache.cpp``).
    """
    yield machine.folder("LLAMA_CACHE") or machine.cache / "llama.cpp"


def ollama_stores(machine: Machine) -> Iterator[Path]:
    """The stores of Ollama.

    It is ``OLLAMA_MODELS``, otherwise ``~/.ollama/models``, and on Linux, where Ollama is a service
    with a user of its own, ``/usr/share/ollama/.ollama/models`` (docs.ollama.com/faq, “Where are
    models stored?”).
    """
    named = machine.folder("OLLAMA_MODELS")
    if named:
        yield named
        return
    yield machine.home / ".ollama" / "models"
    if machine.platform.startswith("linux"):
        yield Path("/usr/share/ollama/.ollama/models")


def files_in_hub_cache() -> Iterator[FoundModel]:
    """The GGUF files in the cache of Hugging Face, which ``HF_HUB_CACHE`` or ``HF_HOME`` names.

    A file is a link in the snapshot of a repository (huggingface.co/docs/huggingface_hub, “Manage
    your cache”).
    """
    for path in sorted(hub.cache_folder().glob("models--*/snapshots/*/**/*.[gG][gG][uU][fF]")):
        if is_model_file(path) and path.is_file():
            name = gguf_name(path).removesuffix(path.suffix)
            yield FoundModel(f"gguf:{path}", name, path, HUGGING_FACE)


def _name_of(found: FoundModel) -> str:
    """The name of a model, which for Jan's files is that of the folder."""
    if not found.source.startswith("gguf:"):
        return found.name
    return gguf_name(found.path).removesuffix(found.path.suffix)


def _value_in(path: Path, key: str) -> str:
    """A text in a JSON file; empty if it has none."""
    try:
        content = json.loads(_text_in(path) or "{}")
    except (ValueError, RecursionError):
        return ""
    value = content.get(key) if isinstance(content, dict) else None
    return value if isinstance(value, str) else ""


def _text_in(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""  # most people have only one or two of these programs
