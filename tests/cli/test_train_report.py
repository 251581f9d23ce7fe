"""What ``tuneshift train`` prints of events and verdicts."""

from __future__ import annotations

from dataclasses import replace

from app.cli.train_report import ProgressWords, report_of_verdict, warning_of
from app.evaluation.paired_interval import Interval
from app.training.judging.verdict import MeasureVerdict, Outcome, Scores, Verdict
from app.training.messages.training_events import (
    HeldOutLoss,
    Judging,
    Paused,
    Phase,
    Sample,
    Step,
    Trained,
)


def test_the_progress_names_step_losses_and_time() -> None:
    words = ProgressWords()
    assert words.after(Phase("Loading")) == "Loading …"
    assert words.after(Step(1, 1_200, 2.5, None)) == "Step 1 of 1,200: loss 2.500"
    assert words.after(HeldOutLoss(1, 2.25, True)) is None
    assert words.after(Sample(1, "a", "b")) is None
    assert words.after(Step(2, 1_200, 2.4, 120.0)) == (
        "Step 2 of 1,200: loss 2.400, held out 2.250, 2 min left"
    )
    assert words.after(Paused(2)) == "Paused after step 2"
    assert words.after(Judging(3, 70, 9.0)) == "Judging: 3 of 70 answers, 9 s left"


def test_a_training_that_made_the_model_worse_has_a_warning() -> None:
    better = Trained("a", "r", 4, 8, first_loss=2.0, best_loss=1.5, stopped=False, seconds=1.0)
    assert warning_of(better) is None
    said = warning_of(replace(better, best_loss=2.25))
    assert said is not None
    assert "its held-out loss was 2.000 before, and at best 2.250 after step 4" in said


def test_a_verdict_has_its_scores_and_its_sentence() -> None:
    gain = Interval(0.2, 0.1, 0.3)
    scores = (Scores("base", None, 2.0, 2.125), Scores("tuned", 0.5, 1.8, 1.925))
    bits = MeasureVerdict("bits per byte", False, scores, gain, gain)
    verdict = Verdict(Outcome.HELPS, 0.5, 12, bits, own_prompt=Interval(0.1, -0.05, 0.25))
    said = report_of_verdict(verdict)
    assert "bits per byte, lower is better" in said
    assert "tuned, α = 0.5       1.8000     1.9250" in said
    assert "It helps" in said
    assert (
        "Where answers follow other prompts, the gain is smaller by 0.100 bits per byte "
        "(95%: −0.050 to 0.250)."
    ) in said
    assert said.endswith("Use the recipe with α = 0.5.")
