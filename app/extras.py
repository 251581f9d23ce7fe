"""Optional dependencies (extras): whether they are installed, and how to install them."""

from importlib.util import find_spec

from app.resources import is_packaged

_MODULES = {"llama": "llama_cpp", "parquet": "pyarrow"}
"""The module of an extra that is looked for before it is imported."""


def is_installed(extra: str) -> bool:
    """Whether an extra is installed; nothing is imported."""
    return find_spec(_MODULES[extra]) is not None


def install_hint(extra: str) -> str:
    """A sentence that says how to install a missing extra."""
    command = f"pip install 'tuneshift[{extra}]'"
    if is_packaged():
        return f"The packaged program comes without it. In an environment of Python 3.11: {command}"
    return f"Install it: {command}"
