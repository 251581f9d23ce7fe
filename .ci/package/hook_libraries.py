"""Runs first in the packaged program, so that what it starts loads the libraries of the system.

The folder of its own libraries was named in the environment for the start of this process alone.
"""

import os

_original = os.environ.pop("LD_LIBRARY_PATH_ORIG", None)
if _original is None:
    os.environ.pop("LD_LIBRARY_PATH", None)
else:
    os.environ["LD_LIBRARY_PATH"] = _original
