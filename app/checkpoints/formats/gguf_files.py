"""Recognizing GGUF files: by name, by their first bytes, or as the only one in a folder."""

from __future__ import annotations

from pathlib import Path

from app.checkpoints.formats.gguf_parts import is_later_part

_ENDING = ".gguf"
_PROJECTOR = "mmproj"  # the image encoder, a file beside that of the model


def is_gguf(path: Path) -> bool:
    """Whether ``path`` is a GGUF file by its extension, in any case, or by its first bytes."""
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
    """The GGUF files of a folder, sorted; none if the folder holds another checkpoint."""
    try:
        if (folder / "config.json").exists() or (folder / "adapter_config.json").exists():
            return []
        return sorted(path for path in folder.iterdir() if path.suffix.lower() == _ENDING)
    except OSError:
        return []


def is_projector(path: Path) -> bool:
    """Whether a GGUF file is the image encoder of a model, by its name."""
    return _PROJECTOR in path.name.lower()


def is_model_file(path: Path) -> bool:
    """Whether a GGUF file is a whole model or the first part of one, by its name."""
    return not is_projector(path) and not is_later_part(path)


def source_of_path(typed: str) -> str:
    """The source for a typed path: ``gguf:…`` for a GGUF file or a folder with one GGUF file,
    ``folder:…`` for everything else.
    """
    path = Path(typed).expanduser()
    if (path.suffix.lower() == _ENDING and not path.is_dir()) or is_gguf(path):
        return f"gguf:{typed}"
    models = [file for file in gguf_files_in(path) if is_model_file(file)]
    return f"gguf:{models[0]}" if len(models) == 1 else f"folder:{typed}"
