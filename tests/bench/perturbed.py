"""A base and a pair out of one checkpoint: ``python -m tests.bench.perturbed MODEL FOLDER``.

The anti-expert is the checkpoint with a little seeded noise on its weights, the expert is that with
a little more: models that agree about as often as a small model and its fine-tune do.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM


def write_pair(model: Path, folder: Path, scale: float, seed: int) -> None:
    """Write ``base``, ``expert`` and ``antiexpert`` under ``folder``.

    Args:
        model: A checkpoint folder with its tokenizer.
        folder: Where to.
        scale: Standard deviation of the noise, in that of each matrix.
        seed: Of the noise.
    """
    shutil.copytree(model, folder / "base", dirs_exist_ok=True)
    made = AutoModelForCausalLM.from_pretrained(model, dtype="auto")
    noise = torch.Generator().manual_seed(seed)
    for role in ("antiexpert", "expert"):
        with torch.no_grad():
            for parameter in made.parameters():
                if parameter.ndim > 1:
                    random = torch.randn(parameter.shape, generator=noise)
                    parameter.add_((random * scale * parameter.float().std()).to(parameter.dtype))
        shutil.copytree(model, folder / role, dirs_exist_ok=True)
        made.save_pretrained(folder / role)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--scale", type=float, default=0.05)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    write_pair(options.model, options.folder, options.scale, options.seed)


if __name__ == "__main__":
    main()
