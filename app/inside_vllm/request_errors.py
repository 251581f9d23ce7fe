"""Why a request ends, for its client and for the log; the log has nothing of prompts."""

from __future__ import annotations

import logging

from app.checkpoints.devices import exhausted_device, is_out_of_memory, out_of_memory
from app.errors import DeviceError, PromptError, SettingsError, TuneshiftError, kind_and_places


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
    """Log what has failed: an error of ours with what it says, any other without its message.

    What is said of a prompt or of the arguments of a request may quote them, so it is left out.
    """
    tells = isinstance(error, TuneshiftError) and not isinstance(error, PromptError | SettingsError)
    log.error("%s\n%s", what, error if tells else kind_and_places(error))
