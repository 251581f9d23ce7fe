"""Sampling settings as the history stores them."""

from __future__ import annotations

import json

from app.decoding.types import GenerationConfig
from app.history.provenance import config_json, config_of


def test_sampling_settings_are_those_that_were_stored() -> None:
    config = GenerationConfig(
        frequency_penalty=0.5,
        presence_penalty=-1.0,
        logit_bias=((13, -2.5), (7, 100.0)),
        stop=("\n", "한"),
        structure="json_schema",
        structure_text='{"enum": ["한"]}',
    )
    assert config_of(config_json(config)) == config


def test_settings_of_older_and_newer_versions_are_read() -> None:
    old = json.loads(config_json(GenerationConfig(seed=7)))
    for name in (
        "frequency_penalty",
        "presence_penalty",
        "logit_bias",
        "structure",
        "structure_text",
    ):
        del old[name]
    assert config_of(json.dumps(old | {"of_a_newer_version": 1})) == GenerationConfig(seed=7)
