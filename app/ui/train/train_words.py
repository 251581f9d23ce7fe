"""Words for a training: what it does, what was found in the data, and how it ended."""

from __future__ import annotations

from app.training.messages.training_events import Doing, Request
from app.training.preparing.data_warnings import Concern, DataWarning
from app.training.preparing.prepared_training import Preparation
from app.ui.state.training.training_record import TrainingRecord, TrainingStage
from app.ui.translation import translate
from app.wording import duration, size


def progress_words(record: TrainingRecord) -> str:
    """What a training does now, or how it ended, in a line."""
    match record.stage:
        case TrainingStage.TRAINING | TrainingStage.PAUSED:
            return " · ".join(part for part in _steps(record) if part)
        case TrainingStage.JUDGING:
            return " · ".join(part for part in _answers(record) if part)
        case TrainingStage.JUDGED:
            return translate("Training", "Ended with a verdict. Everything is in {0}").format(
                record.folder.path
            )
        case TrainingStage.INTERRUPTED:
            return translate("Training", "Interrupted. It can go on where it was.")
        case TrainingStage.FAILED:
            return str(record.error) if record.error else ""
    return " · ".join(part for part in (doing_words(record.doing), _asked(record)) if part)


def doing_words(doing: str) -> str:
    """What the process of a training does."""
    texts = {
        Doing.READING: translate("Training", "Reading the small model …"),
        Doing.LOADING: translate("Training", "Loading the small model …"),
        Doing.TRAINING: translate("Training", "Measuring the held-out loss before training …"),
        Doing.LOADING_ALL: translate("Training", "Loading the models to judge the expert …"),
    }
    return next(
        (text for name, text in texts.items() if name == doing),
        translate("Training", "Starting the process …"),
    )


def settings_words(prepared: Preparation) -> str:
    """The settings and the memory of a training, in a few lines."""
    settings, memory = prepared.plan.settings, prepared.memory
    chosen = translate(
        "Training",
        "{0} steps of {1} examples, at most {2} tokens each; learning rate {3}, rank {4}",
    ).format(
        f"{prepared.steps:,}",
        settings.batch_size,
        f"{settings.most_tokens:,}",
        f"{settings.learning_rate:g}",
        settings.rank,
    )
    form = (
        translate("Training", "About {0} of memory, {1} are free")
        if memory.fits
        else translate(
            "Training",
            "About {0} of memory are needed, and only {1} are free: choose a smaller model, fewer "
            "tokens or NF4",
        )
    )
    lines = [chosen, form.format(size(memory.total), size(memory.free))]
    full = next((device for device in prepared.judging.devices if not device.fits), None)
    if full is not None:
        text = translate(
            "Training",
            "To judge the expert, base and pair need {0}, and {1} are free on {2}: choose a "
            "smaller base or NF4",
        )
        lines.append(text.format(size(full.peak), size(full.free), full.device))
    return "\n".join(lines)


def warning_words(warning: DataWarning) -> str:
    """A warning about the data, in a sentence."""
    match warning.concern:
        case Concern.FEW_DOCUMENTS:
            text = translate(
                "Training", "There are few documents ({0}): the verdict will be uncertain."
            )
        case Concern.SECTIONS:
            text = translate(
                "Training",
                "There are few files, so their texts are cut into sections: the held-out ones come "
                "from the same files as the others.",
            )
        case Concern.CUT:
            text = translate("Training", "{0} of {1} examples are too long and are cut.")
        case Concern.SIMILAR:
            text = translate("Training", "{0} near-duplicates of held-out documents were left out.")
        case Concern.SECRET:
            text = translate("Training", "{2} holds {3}: a model may repeat it.")
            if warning.count > 1:
                text = translate(
                    "Training",
                    "{2} holds {3}, as do {0} documents in all: a model may repeat it.",
                )
        case Concern.CONTEXT:
            text = translate(
                "Training", "Examples are cut at {0} tokens, the context of the small model."
            )
        case Concern.NO_MATCH:
            text = translate(
                "Training",
                "The regular expression for answers finds nothing in {0} expected ones, which "
                "count as wrong.",
            )
    return text.format(
        f"{warning.count:,}", f"{warning.total:,}", warning.document, secret_words(warning.secret)
    )


def secret_words(kind: str) -> str:
    """A kind of secret, with its article."""
    texts = {
        "a private key": translate("Training", "a private key"),
        "an AWS access key": translate("Training", "an AWS access key"),
        "a GitHub token": translate("Training", "a GitHub token"),
        "a GitLab token": translate("Training", "a GitLab token"),
        "a Hugging Face token": translate("Training", "a Hugging Face token"),
        "a Slack token": translate("Training", "a Slack token"),
        "a Google API key": translate("Training", "a Google API key"),
        "an API key": translate("Training", "an API key"),
        "a JSON web token": translate("Training", "a JSON web token"),
        "a password in an address": translate("Training", "a password in an address"),
        "a password": translate("Training", "a password"),
    }
    return texts.get(kind, kind)


def left_words(seconds: float | None) -> str:
    """The time left, or an empty text while it is unknown."""
    if seconds is None:
        return ""
    return translate("Training", "{0} left").format(duration(seconds))


def _steps(record: TrainingRecord) -> list[str]:
    if not record.step:
        return [doing_words(record.doing), _asked(record)]
    parts = [
        translate("Training", "Step {0} of {1}").format(f"{record.step:,}", f"{record.steps:,}"),
        translate("Training", "loss {0}").format(f"{record.losses[record.step]:.3f}")
        if record.step in record.losses
        else "",
    ]
    if record.held_out:
        last = record.held_out[max(record.held_out)]
        parts.append(translate("Training", "held out {0}").format(f"{last.loss:.3f}"))
    if record.stage is TrainingStage.PAUSED:
        return [*parts, translate("Training", "paused")]
    return [*parts, _asked(record) or left_words(record.seconds_left)]


def _asked(record: TrainingRecord) -> str:
    """What the process does as soon as it can, or an empty text."""
    match record.asked:
        case Request.PAUSE:
            return translate("Training", "pausing after this step …")
        case Request.STOP:
            return translate("Training", "stopping after this step …")
        case Request.ABANDON:
            return translate("Training", "ending …")
    return ""


def _answers(record: TrainingRecord) -> list[str]:
    done, total = record.answers
    if not total:
        return [doing_words(record.doing), _asked(record)]
    return [
        translate("Training", "Judging: {0} of {1} answers").format(f"{done:,}", f"{total:,}"),
        _asked(record) or left_words(record.seconds_left),
    ]
