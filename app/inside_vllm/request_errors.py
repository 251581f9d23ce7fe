"""Why a request ends, for its client and for the log; the log has nothing of prompts."""

from __future__ import annotations

import logging
import traceback

from app.checkpoints.devices import exhausted_device, is_out_of_memory, out_of_memory
from app.errors import DeviceError, PromptError, SettingsError, TuneshiftError


def request_error(error: Exception) -> TuneshiftError:
    """The error of a request whose pairs have failed.

    Several requests may have it: so nothing of an unexpected error is in it but its type.
    """
    if isinstance(error, TuneshiftError):
        return error
    if not is_out_of_memory(error):
        return TuneshiftError(
            "Tuneshift met an error that it does not know",
            evidence=type(error).__name__,
            next_step="Please report it with what the log of the server says.",
        )
    if exhausted_device(error) is None:
        return DeviceError(
            "The memory of a device was not enough for this request",
            evidence=str(error).partition("\n")[0],
            next_step="Send fewer at once.",
        )
    return out_of_memory("this request", "", error=error, next_step="Send fewer at once.")


def log_failure(log: logging.Logger, what: str, error: BaseException) -> None:
    """Log what has failed, with the frames of an error and without what may quote a request.

    Messages of errors of prompts and of unexpected errors are left out, but for those of the system
    and of torch.
    """
    tells = isinstance(error, TuneshiftError | OSError) or type(error) is RuntimeError
    quotes = isinstance(error, PromptError | SettingsError)
    said = f": {error}" if (tells and not quotes) or is_out_of_memory(error) else ""
    frames = [] if isinstance(error, TuneshiftError) else traceback.format_tb(error.__traceback__)
    log.error("%s (%s%s)%s", what, type(error).__name__, said, "\n".join(["", *frames]).rstrip())
