"""Errors that a person can cause or meet, each with a cause, evidence and a next step.

Any other exception is a defect of the program and is reported as one.
"""

import os
import traceback
from collections.abc import Iterator


class TuneshiftError(Exception):
    """An error that is shown to the person.

    Args:
        cause: One sentence that says what is wrong.
        evidence: What was seen, for example ``needed 9.1 GB, free 7.8 GB``.
        next_step: What the person can do about it.
    """

    def __init__(self, cause: str, *, evidence: str = "", next_step: str = "") -> None:
        super().__init__(cause)
        self.cause = cause
        self.evidence = evidence
        self.next_step = next_step

    def __str__(self) -> str:
        detail = f" ({self.evidence})" if self.evidence else ""
        advice = f" {self.next_step}" if self.next_step else ""
        return f"{self.cause.removesuffix('.')}{detail}.{advice}"


class SettingsError(TuneshiftError):
    """A generation setting or preference outside its range."""


class StructureError(SettingsError):
    """A JSON schema or a grammar cannot be used, or a text does not fit it.

    Args:
        of_grammar: Whether a grammar was asked for, not JSON.
    """

    def __init__(
        self, cause: str, *, evidence: str = "", next_step: str = "", of_grammar: bool = False
    ) -> None:
        super().__init__(cause, evidence=evidence, next_step=next_step)
        self.of_grammar = of_grammar


class PromptError(TuneshiftError):
    """A prompt that cannot be read: empty, too long, or with what a model does not know."""


class ContextLengthError(PromptError):
    """A prompt that does not fit into the context of a model."""


class RecipeError(TuneshiftError):
    """A recipe that cannot be read or names something that does not exist."""


class CheckpointError(TuneshiftError):
    """A checkpoint that is missing, incomplete, damaged or of a kind that cannot be used."""


class NotDownloadedError(CheckpointError):
    """A Hub checkpoint that is not in the cache; nothing is fetched unless a person asks for it.

    Args:
        source: The source as the recipe names it, such as ``hub:owner/name``.
    """

    def __init__(self, source: str) -> None:
        name = source.partition("hub:")[2]
        super().__init__(
            f"{name} is not on this machine yet",
            next_step=f"Download it, in the window or with: tuneshift download {name}",
        )
        self.source = source


class HubError(TuneshiftError):
    """The Hub, the connection to it or the disk failed during a download."""


class VocabularyError(TuneshiftError):
    """Roles of a recipe whose vocabularies do not fit together."""


class DeviceError(TuneshiftError):
    """A device or dtype that this machine does not offer, or that ran out of memory."""


class HistoryError(TuneshiftError):
    """The history of runs cannot be read or written, or has no such run."""


class EvaluationError(TuneshiftError):
    """A task that cannot be found or read, or results that do not belong to what is asked."""


class TrainingError(TuneshiftError):
    """Data that an expert cannot be trained on, or a training that cannot begin or go on."""


class ModelError(TuneshiftError):
    """A model that computes something unusable, such as logits that are not numbers."""


class EndpointError(ModelError):
    """The endpoint of a base failed, or does not offer what a run needs."""


class DisplayError(TuneshiftError):
    """The window cannot be opened on this machine."""


def unknown_error(error: BaseException) -> TuneshiftError:
    """The error to show for an exception that is a defect of the program."""
    return TuneshiftError(
        "Tuneshift met an error that it does not know",
        evidence=f"{type(error).__name__}: {error}",
        next_step="Please report it with the details.",
    )


def kind_and_places(error: BaseException) -> str:
    """An exception as a log may have it: kinds and places, without any message.

    The message of an exception may quote what a person typed or trains on: that of a decoder or a
    tokenizer does, that of ``OSError`` may have a text for the name of a file, and nobody knows
    those of all libraries. Of errors of the system, the number is told in the system's own words.
    Pass it to the logger as an argument, instead of ``exc_info``.

    Returns:
        The lines of a traceback in its usual order: the frames of an exception, the innermost last,
        then its kind; before them those of its cause. The last line is the kind of ``error``.
    """
    chain: list[BaseException] = []
    left: BaseException | None = error
    while left is not None and left not in chain:
        chain.append(left)
        left = left.__cause__ or (None if left.__suppress_context__ else left.__context__)
    return "\n".join(line for each in reversed(chain) for line in _lines(each))


def _lines(error: BaseException) -> Iterator[str]:
    for frame in traceback.extract_tb(error.__traceback__):
        yield f'  File "{frame.filename}", line {frame.lineno}, in {frame.name}'
    said = f": {os.strerror(error.errno)}" if isinstance(error, OSError) and error.errno else ""
    yield f"{type(error).__qualname__}{said}"


class Cancelled(Exception):  # noqa: N818 — not an error
    """The person asked to stop; not an error, and never shown as one."""
