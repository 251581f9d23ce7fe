"""Finding GGUF files: by their name in any case, by their first bytes, alone in a folder."""

from __future__ import annotations

from pathlib import Path

_ENDING = ".gguf"
_PROJECTOR = "mmproj"  # the part that reads images, which lies beside a model


def is_gguf(path: Path) -> bool:
    """Whether ``path`` is a GGUF file, by its name or its first bytes."""
    if not path.is_file():
        return False
    if path.suffix.lower() == _ENDING:
        return True
    try:
        with path.open("rb") as file:
            return file.read(4) == b"GGUF"
    except OSError:
        return False


def gguf_files_in(folder: Path) -> list[Path]:
    """The GGUF files of a folder that holds no other checkpoint, in the order of their names."""
    try:
        if (folder / "config.json").exists() or (folder / "adapter_config.json").exists():
            return []
        return sorted(path for path in folder.iterdir() if path.suffix.lower() == _ENDING)
    except OSError:
        return []


def source_of_path(typed: str) -> str:
    """The source of a path as typed: a GGUF file, also the only one in a folder, or a folder."""
    path = Path(typed).expanduser()
    if (path.suffix.lower() == _ENDING and not path.is_dir()) or is_gguf(path):
        return f"gguf:{typed}"
    models = [file for file in gguf_files_in(path) if _PROJECTOR not in file.name.lower()]
    return f"gguf:{models[0]}" if len(models) == 1 else f"folder:{typed}"
