"""The configuration of a role as transformers reads it, which building its model needs."""

from __future__ import annotations

from transformers import PretrainedConfig

from app.checkpoints.full_configuration import read_full_configuration
from app.checkpoints.opening import OpenedRole
from app.checkpoints.plain_configuration import PlainConfiguration


def full_configuration(role: OpenedRole) -> PretrainedConfig:
    """The configuration of ``role``, read by transformers.

    Raises:
        CheckpointError: transformers cannot use the configuration.
    """
    config = role.config
    return read_full_configuration(role.files) if isinstance(config, PlainConfiguration) else config
