"""The answers of ``tuneshift chat`` in the history."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from app.checkpoints.conversation import Conversation
from app.cli.chat.chat_talk import Talk
from app.cli.saving import RunSaver
from app.decoding.thinking import answer_text
from app.engine.events import Event, Loaded
from app.errors import HistoryError
from app.history.archive import Archive
from app.history.database import open_to_read
from app.history.records import NewRun
from app.settings import history_file


def read_stored_talk(name: str) -> Talk:
    """The conversation that ends with the answer of a stored run, with its recipe.

    Args:
        name: A run id, a unique prefix of one, or ``last``.

    Raises:
        HistoryError: There is no such run, or it answers no conversation.
    """
    archive = Archive(open_to_read(history_file()))
    try:
        run = archive.get(archive.resolve(name))
        text = "".join(token.text for token in archive.tokens(run.id))
    finally:
        archive.close()
    if not isinstance(run.prompt, Conversation):
        raise HistoryError(
            f"The run {run.id} is a text and no conversation",
            next_step=f"To repeat it: tuneshift generate --again {run.id}",
        )
    talk = Talk(replace(run.recipe, sampling=run.config))
    talk.replace(run.prompt)
    talk.add_answer(answer_text(text), run.id)
    return talk


class ChatHistory:
    """Stores each answer as a run. If the history cannot be written, the conversation goes on.

    Args:
        path: The history file.
        warn: Called with an error, once for each.
    """

    def __init__(self, path: Path, warn: Callable[[HistoryError], None]) -> None:
        self._path = path
        self._warn = warn
        self._saver: RunSaver | None = None
        self._failed = False
        self._told = 0
        self.loaded: Loaded | None = None
        """The loaded models."""

    def begin(self, run: NewRun) -> Callable[[Event], None] | None:
        """Store the start of a run; returns what stores its events, or None if that failed."""
        if self._failed:
            return None
        try:
            if self._saver:
                self._saver.begin(run)
            else:
                self._saver = RunSaver(self._path, run)
                if self.loaded:
                    self._saver.receive(self.loaded)
        except HistoryError as error:
            self._failed = True
            self._warn(error)
            return None
        self._tell()
        return self._saver.receive

    def close(self) -> None:
        """Wait until everything is written."""
        if self._saver:
            try:
                self._saver.close()
            except HistoryError as error:
                self._warn(error)
            else:
                self._tell()

    def _tell(self) -> None:
        """Pass on problems that the writer has met since the last time."""
        problems = self._saver.problems if self._saver else []
        for problem in problems[self._told :]:
            self._warn(problem)
        self._told = len(problems)
