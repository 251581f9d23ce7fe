"""Every kind of model whose steps are captured, on the GPU, against plain forward passes there.

Usage: python -m tests.gpu.architectures, which prints one JSON object.
"""

from __future__ import annotations

import json
import sys
import warnings
from typing import Any

import torch
from transformers import PreTrainedModel
from transformers.utils import logging

from app.checkpoints.proof.logit_difference import difference
from app.checkpoints.proof.proof_bounds import bound_of, widened
from app.decoding.cache_support import why_not_cached
from app.decoding.graphs import GraphedLanguageModel, make_language_model, why_not_captured
from app.decoding.language_model import TransformersLanguageModel
from tests import tiny
from tests.architectures.tiny_configurations import tiny_configuration
from tests.architectures.trial import (
    KINDS,
    TEXT,
    make_model,
    plain_rows,
    read_in_every_way,
    tolerance,
)
from tests.gpu.target import capture_on, target

DTYPES = (torch.float32, torch.bfloat16)
_NOT_CAUSAL = "bert, an encoder"


def try_kind(kind: str, device: torch.device, dtype: torch.dtype) -> dict[str, Any] | None:
    """How far captured steps of ``kind`` are from plain ones; None if it is not captured."""
    model = make_model(tiny_configuration(kind, tiny.VOCABULARY))
    if model is None or kind == _NOT_CAUSAL or why_not_cached(model):
        return None
    if type(make_language_model(model)) is not TransformersLanguageModel:
        return None  # read in another way on every device
    model = model.to(device=device, dtype=dtype)
    if why_not_captured(model):  # for experts it depends on dtype and device
        return None
    captured = GraphedLanguageModel(model, capture=capture_on(device))
    expected = plain_rows(model, TEXT)
    reader = read_in_every_way(captured, TEXT, expected)
    differing = captured.captures.stats.differing
    exact = dtype is torch.float32
    allowed = tolerance(model, TEXT, expected) if exact else _rounding(model, expected)
    return {
        "kind": kind,
        "dtype": str(dtype).removeprefix("torch."),
        "largest": reader.worst,
        "allowed": allowed,
        "where": reader.where,
        "not_captured": captured.not_captured or "; ".join(differing),
        "right": reader.worst <= allowed and not (captured.not_captured or differing),
    }


def _rounding(model: PreTrainedModel, expected: torch.Tensor) -> float:
    """What half precision allows: the bound of the proof, wider where plain passes differ more."""
    whole = model(input_ids=torch.tensor([TEXT], device=model.device), use_cache=False).logits[0]
    return widened(bound_of("bfloat16", "none"), difference(whole.float(), expected)).largest


def main() -> int:
    device = target()
    assert device is not None, "there is no GPU here"
    warnings.simplefilter("ignore")
    logging.set_verbosity_error()
    found = []
    with torch.inference_mode():
        for kind in KINDS:
            for dtype in DTYPES:
                try:
                    outcome = try_kind(kind, device, dtype)
                except Exception as error:  # what fails is part of the result
                    outcome = {"kind": kind, "dtype": str(dtype), "error": str(error)[:300]}
                if outcome is not None:
                    found.append(outcome)
    wrong = [each for each in found if not each.get("right")]
    print(json.dumps({"tried": len(found), "wrong": wrong, "all": found}))
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
