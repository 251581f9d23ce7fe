"""The footprint of a role: computed from a plain configuration, or measured by transformers."""

from __future__ import annotations

from app.checkpoints.checkpoint_errors import unknown_model
from app.checkpoints.formats.transformers_log import quiet
from app.checkpoints.memory.footprint import Footprint
from app.checkpoints.memory.plain_footprint import plain_footprint
from app.checkpoints.opening import OpenedRole
from app.checkpoints.plain_configuration import PlainConfiguration


def footprint_of(role: OpenedRole) -> Footprint:
    """The sizes of the model of ``role``.

    Raises:
        CheckpointError: transformers has no causal language model for the configuration.
    """
    config = role.config
    if isinstance(config, PlainConfiguration):
        return plain_footprint(config)
    from app.checkpoints.memory.measured_footprint import measure_footprint  # imports torch

    try:
        with quiet():
            return measure_footprint(config)
    except Exception as error:  # the library raises many kinds for what it cannot build
        raise unknown_model(role.files.folder, error) from error
