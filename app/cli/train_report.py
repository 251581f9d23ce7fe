"""What ``tuneshift train`` prints: the data before, the progress, and the verdict after."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

from app.training.judging.verdict import MeasureVerdict, Verdict
from app.training.judging.verdict_text import advice, amount, sentence
from app.training.messages.training_events import (
    Event,
    HeldOutLoss,
    Judging,
    Paused,
    Phase,
    Sample,
    Step,
    Trained,
)
from app.wording import duration, quoted, size, visible

if TYPE_CHECKING:
    from app.training.preparing.prepared_training import ExamplePreview, Preparation

_SHOWN_TOKENS = 60


def report_of_preparation(prepared: Preparation) -> str:
    """The data, the settings, the memory, and the first examples as the small model reads them."""
    data, memory = prepared.summary, prepared.memory
    files = "1 file" if data.files == 1 else f"{data.files:,} files"
    lines = [
        f"{prepared.plan.name}: {data.documents:,} documents in {files}",
        f"  trained on {data.training:,}, held out {data.held_out:,}; left out {data.repeated:,} "
        f"repeated and {data.similar:,} nearly the same as a held-out one",
        f"  {data.examples:,} examples with {data.tokens:,} tokens; in the middle {data.median:,}, "
        f"at most {data.longest:,}, {data.cut:,} cut",
        *(f"  Warning: {warning}" for warning in data.warnings),
        "",
        f"Settings: {prepared.steps:,} steps",
        *(f"  {name} = {value}" for name, value in asdict(prepared.plan.settings).items()),
        "",
        f"Memory: about {size(memory.total)}, free {size(memory.free)}"
        f"{'' if memory.fits else ': not enough'}",
        *(
            f"  to judge: about {size(each.peak)} on {each.device}, free {size(each.free)}"
            f"{'' if each.fits else ': not enough'}"
            for each in prepared.judging.devices
        ),
        "",
        f"What the model reads, in the format {quoted(prepared.plan.small.prompt)}; "
        "it is trained on what is between ⟦ and ⟧:",
        *(f"  {_example(each)}" for each in prepared.previews),
    ]
    return "\n".join(lines)


def _example(example: ExamplePreview) -> str:
    first = example.first_learned
    before = visible("".join(example.tokens[:first][-_SHOWN_TOKENS:]))
    learned = visible("".join(example.tokens[first:][:_SHOWN_TOKENS]))
    more = " …" if len(example.tokens) - first > _SHOWN_TOKENS else ""
    return f"{example.document}: {'… ' if first > _SHOWN_TOKENS else ''}{before}⟦{learned}{more}⟧"


class ProgressWords:
    """The progress of a training in a line, which remembers the last held-out loss."""

    def __init__(self) -> None:
        self._held_out = ""

    def after(self, event: Event) -> str | None:
        """The line after an event, or None if it stays."""
        match event:
            case Phase(text):
                return f"{text} …"
            case Step(step, steps, loss, left):
                rest = "" if left is None else f", {duration(left)} left"
                return f"Step {step:,} of {steps:,}: loss {loss:.3f}{self._held_out}{rest}"
            case HeldOutLoss(_, loss, _):
                self._held_out = f", held out {loss:.3f}"
                return None
            case Paused(step):
                return f"Paused after step {step:,}"
            case Trained():
                return "The adapter is written"
            case Judging(done, total, left):
                rest = "" if left is None else f", {duration(left)} left"
                return f"Judging: {done:,} of {total:,} answers{rest}"
            case Sample():
                return None
        return None


def warning_of(trained: Trained) -> str | None:
    """A warning about a training that made the small model worse, or None."""
    if trained.best_loss <= trained.first_loss:
        return None
    return (
        f"Training made the small model worse: its held-out loss was {trained.first_loss:.3f} "
        f"before, and at best {trained.best_loss:.3f} after step {trained.step:,}. "
        "A smaller --learning-rate may help."
    )


def report_of_verdict(verdict: Verdict) -> str:
    """The scores of the judging half, the verdict in a sentence, and what to try."""
    tables = [_table(verdict.bits)]
    if verdict.matches:
        tables.append(_table(verdict.matches))
    said = [sentence(verdict), *_own_prompt(verdict), advice(verdict)]
    return "\n\n".join([*tables, "\n".join(said)])


def _own_prompt(verdict: Verdict) -> Iterator[str]:
    if verdict.own_prompt is not None:
        lost = amount(verdict.bits, verdict.own_prompt)
        yield f"Where answers follow other prompts, the gain is smaller by {lost}."


def _table(measure: MeasureVerdict) -> str:
    better = "higher" if measure.higher_is_better else "lower"
    return "\n".join([f"Held-out {measure.measured}, {better} is better", *_rows(measure)])


def _rows(measure: MeasureVerdict) -> Iterator[str]:
    yield f"  {'':<16}  {'chooses α':>9}  {'judges':>9}"
    for scores in measure.scores:
        name = scores.variant if scores.alpha is None else f"tuned, α = {scores.alpha:g}"
        yield f"  {name:<16}  {scores.choosing:>9.4f}  {scores.judging:>9.4f}"
