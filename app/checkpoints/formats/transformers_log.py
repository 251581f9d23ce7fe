"""The log of transformers, which is silent while the program reads checkpoints."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from transformers.utils import logging as transformers_logging

# bitsandbytes warns when it is imported (PEFT imports it, too) and at every cast to float16.
logging.getLogger("bitsandbytes").setLevel(logging.ERROR)


@contextmanager
def quiet() -> Iterator[None]:
    """Context manager that silences the log of transformers; its errors are still raised."""
    verbosity = transformers_logging.get_verbosity()
    transformers_logging.set_verbosity(logging.CRITICAL)
    try:
        yield
    finally:
        transformers_logging.set_verbosity(verbosity)
