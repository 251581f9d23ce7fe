"""The surroundings of the tests: the same signals, variables and standard input wherever they run.

A process inherits more than its arguments: ignored signals (``nohup``, some CI runners), the
locale, proxies, the settings of a person's desktop. The suite sets what would change its results
and keeps the rest. Children of the tests inherit what is set here.
"""

from __future__ import annotations

import os
import signal

_PERSONAL = (
    # what libraries print and how wide
    "COLUMNS",
    "LINES",
    "NO_COLOR",
    "FORCE_COLOR",
    "CLICOLOR",
    "CLICOLOR_FORCE",
    "PY_COLORS",
    "TQDM_DISABLE",
    # how Python starts and what it warns of
    "PYTHONDEVMODE",
    "PYTHONIOENCODING",
    "PYTHONOPTIMIZE",
    "PYTHONSAFEPATH",
    "PYTHONSTARTUP",
    "PYTHONUTF8",
    "PYTHONWARNINGS",
    # which way to the network
    "ALL_PROXY",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "all_proxy",
    "https_proxy",
    "http_proxy",
    # keys and places of other programs
    "HF_ENDPOINT",
    "HF_HOME",
    "HF_HUB_CACHE",
    "HF_TOKEN",
    "OPENAI_API_KEY",
    "OPENAI_BASE_URL",
    "TRANSFORMERS_CACHE",
    # the desktop
    "LANGUAGE",
    "QT_FONT_DPI",
    "QT_LOGGING_RULES",
    "QT_QPA_PLATFORMTHEME",
    "QT_SCALE_FACTOR",
    "QT_STYLE_OVERRIDE",
)
_LOCALE = "C.UTF-8"


def settle() -> None:
    """Set the surroundings, before anything reads them."""
    for name in _PERSONAL:
        os.environ.pop(name, None)
    for name in [name for name in os.environ if name.startswith("LC_")]:
        del os.environ[name]
    os.environ["LANG"] = _LOCALE
    _settle_signals()
    _open_standard_input()


def _settle_signals() -> None:
    """Nothing that the tests send or wait for is ignored or blocked."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    for name in ("SIGTERM", "SIGCHLD", "SIGCONT"):  # not SIGHUP, which nohup is for
        number = getattr(signal, name, None)  # Windows has few of them
        if number is not None and signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_SETMASK, ())


def _open_standard_input() -> None:
    """Open the null device as a closed standard input: the next file would take its number."""
    try:
        os.fstat(0)
    except OSError:
        os.open(os.devnull, os.O_RDONLY)  # takes the lowest number, which is 0
