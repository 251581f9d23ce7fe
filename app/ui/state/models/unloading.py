"""The error of a run that needed so much memory that the models were unloaded."""

from __future__ import annotations

from app.errors import DeviceError, TuneshiftError
from app.ui.translation import translate


def unloaded(error: TuneshiftError) -> DeviceError:
    """``error`` with the advice that Generate loads the models again."""
    advice = translate("Session", "The models were unloaded, and Generate loads them again. {0}")
    return DeviceError(
        error.cause, evidence=error.evidence, next_step=advice.format(error.next_step)
    )
