"""Parts that are installed on demand, and how a person comes to them."""

from app.resources import is_packaged


def install_hint(extra: str) -> str:
    """What to do where an extra is missing, in a sentence."""
    command = f"pip install 'tuneshift[{extra}]'"
    if is_packaged():
        return f"The packaged program comes without it. In an environment of Python 3.11: {command}"
    return f"Install it: {command}"
