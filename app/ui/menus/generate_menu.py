"""Generate menu: generation, scoring, evaluation and prompts."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QWidget

from app.ui.branches.score_dialog import show_score
from app.ui.chat.chat_view import ChatView
from app.ui.compare.all_roles_dialog import show_all_roles
from app.ui.compare.prompt_list_dialog import show_prompt_list
from app.ui.compare.variants_dialog import show_variants
from app.ui.evaluate.evaluate_opener import show_evaluate
from app.ui.menus.conversation_menu import ConversationMenu
from app.ui.menus.menu import SessionMenu
from app.ui.recipe.prompt_dialogs import show_preview, show_prompt_format
from app.ui.state.runs.prompt_list_runs import PromptListRuns
from app.ui.state.session import Session


class GenerateMenu(SessionMenu):
    """Menu that starts and stops runs.

    Args:
        prompt: Returns the typed prompt.
        chat: The conversation.
    """

    def __init__(
        self, session: Session, window: QWidget, prompt: Callable[[], str], chat: ChatView
    ) -> None:
        super().__init__(session, window)
        self.setTitle(self.tr("&Generate"))
        self.generate = self.add(
            self.tr("Generate"),
            lambda: chat.send() if session.mode.chat else session.runs.generate(prompt()),
            ("Ctrl+Return", "Ctrl+Enter"),
        )
        self._again = self.add(
            self.tr("&Regenerate with a new seed"),
            lambda: chat.regenerate() if session.mode.chat else session.runs.regenerate(),
            "Ctrl+Shift+R",
        )
        self.stop = self.add(
            self.tr("Stop"),
            session.runs.stop,
            "Esc",
            self.tr("Stop the run after the current token (Esc)"),
        )
        self.addSeparator()
        self._step = self.add(
            self.tr("Genera&te one token"),
            lambda: chat.step() if session.mode.chat else session.runs.step(prompt()),
            "F10",
        )
        self._go_on = self.add(
            self.tr("C&ontinue the run"),
            session.runs.continue_run,
            ("Ctrl+Shift+Return", "Ctrl+Shift+Enter"),
        )
        self.addMenu(ConversationMenu(session, window, chat))
        self.addSeparator()
        self._variants = self.add(
            self.tr("&Variants …"),
            lambda: show_variants(session, window, session.prompt),
            "Ctrl+Shift+V",
        )
        self._all_roles = self.add(
            self.tr("Compare &all roles …"),
            lambda: show_all_roles(session, window, session.prompt),
            "Ctrl+Shift+A",
        )
        prompts = PromptListRuns(session.runs, session.history.id_of, self)
        self.add(
            self.tr("&Many prompts …"),
            lambda: show_prompt_list(session, prompts, window),
            "Ctrl+Shift+L",
        )
        self._score = self.add(
            self.tr("&Score a text …"),
            lambda: show_score(session, window, prompt()),
            "Ctrl+Shift+T",
        )
        self.add(self.tr("&Evaluate …"), lambda: show_evaluate(session, window), "Ctrl+Shift+E")
        self.addSeparator()
        self.add(
            self.tr("&Prompt preview …"), lambda: show_preview(session, window), "Ctrl+Shift+P"
        )
        self.add(self.tr("Prompt &format …"), lambda: show_prompt_format(session, window))
        session.runs.run_changed.connect(self._update)
        session.load_changed.connect(self._update)
        session.recipe_changed.connect(self._update)
        self._update()

    def _update(self) -> None:
        runs = self._session.runs
        unfinished = self._session.unfinished
        for action in (self.generate, self._step):
            action.setEnabled(not runs.running and not unfinished)
        tuned = self._session.recipe.base.tuned
        self._variants.setEnabled(not unfinished)
        self.setToolTipsVisible(tuned)
        for action in (self._all_roles, self._score):
            action.setEnabled(not unfinished and not tuned)
            action.setToolTip(
                self.tr("Not with a base that is tuned on a server: it needs the models here")
                if tuned
                else ""
            )
        self.generate.setToolTip(
            self.tr("The models do not go together yet: complete the recipe first.")
            if unfinished
            else self.tr("Start a run that continues the prompt (Ctrl+Enter)")
        )
        self.stop.setEnabled(runs.running)
        ended = runs.current is not None and not runs.running
        self._go_on.setEnabled(ended and not unfinished)
        self._again.setEnabled(ended and not unfinished)
