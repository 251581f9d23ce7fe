"""Optional dependencies (extras) and how to install them."""

from app.resources import is_packaged


def install_hint(extra: str) -> str:
    """A sentence that says how to install a missing extra."""
    command = f"pip install 'tuneshift[{extra}]'"
    if is_packaged():
        return f"The packaged program comes without it. In an environment of Python 3.11: {command}"
    return f"Install it: {command}"
