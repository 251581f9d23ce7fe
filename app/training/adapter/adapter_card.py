"""The model card of an adapter: what it was trained on, how, and what was measured."""

from __future__ import annotations

from dataclasses import asdict

from app import __version__
from app.training.data.split import Split
from app.training.messages.training_events import Trained
from app.training.plan.training_plan import TrainingPlan

_CARD = """---
library_name: peft
pipeline_tag: text-generation
tags:
- lora
- tuneshift
---

# {name}

A LoRA adapter of `{small}`, made by Tuneshift {version}. {purpose}

- Data: {data}: {training} documents in {examples} examples; {held_out} more were held out.
- Prompt format: `{prompt}`
- Held-out loss: {first:.4f} nats per token before training, {best:.4f} after {step} steps{stopped}.

| setting | value |
|---|---|
{settings}
"""


def model_card(plan: TrainingPlan, split: Split, examples: int, trained: Trained) -> str:
    """The model card as Markdown, with the metadata that the Hub reads."""
    settings = "\n".join(f"| {name} | {value} |" for name, value in asdict(plan.settings).items())
    return _CARD.format(
        name=plan.name,
        small=plan.small.source,
        version=__version__,
        purpose="It is an example of what to steer away from."
        if plan.negative
        else "It is an expert for proxy-tuning, and can be used alone.",
        data=plan.data or "not named",
        training=len(split.training),
        examples=examples,
        held_out=len(split.choosing) + len(split.judging),
        prompt=plan.small.prompt.replace("\n", "\\n"),
        first=trained.first_loss,
        best=trained.best_loss,
        step=trained.step,
        stopped=", when a person stopped it" if trained.stopped else "",
        settings=settings,
    )
