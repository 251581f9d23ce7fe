"""Log entries of runs; prompts and texts are logged only if the preferences allow it."""

from __future__ import annotations

import logging

from PySide6.QtCore import QObject

from app.checkpoints.conversation import contents
from app.ui.state.runs.run import Run
from app.ui.state.session import Session

log = logging.getLogger(__name__)


class RunLog(QObject):
    """Writes a log line when a run begins and when it ends."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session
        session.runs.generation.began.connect(self._on_began)
        session.runs.generation.progressed.connect(self._on_progressed)

    def _on_began(self, run: Run) -> None:
        log.info(
            "run %d begins: %d characters of prompt, %d pairs, at token %d",
            run.id,
            len(contents(run.prompt)),
            len(run.recipe.pairs),
            len(run.tokens),
        )
        if self._session.settings.log_texts:
            log.info("run %d has the prompt: %s", run.id, contents(run.prompt))

    def _on_progressed(self, run: Run) -> None:
        if run.active:
            return
        log.info(
            "run %d ends: %s, %d tokens", run.id, run.finish_reason or "failed", len(run.tokens)
        )
        if self._session.settings.log_texts:
            log.info("run %d has the text: %s", run.id, run.text)
