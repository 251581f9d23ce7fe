"""The Hub dialog: searches, describes, checks and downloads a model for a role.

The network is used only after the user presses Enter or a button, or selects a result.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QWidget

from app.checkpoints import hub
from app.checkpoints.preflight_report import Preflight
from app.errors import HubError, NotDownloadedError, TuneshiftError
from app.ui.models import candidate_check
from app.ui.models.candidate_check import CandidateCheck
from app.ui.models.hub_choice import HubChoice
from app.ui.models.hub_controls import HubControls
from app.ui.models.hub_results import HubRow, cached_rows, rows_of_hits
from app.ui.state.models.downloads import Download
from app.ui.state.session import Session
from app.ui.translation import translate
from app.ui.view_keys import ViewKey
from app.ui.words.fit_words import too_large
from app.ui.words.role_words import role_titles
from app.wording import size

_PAUSE_MS = 250
"""Milliseconds that a result must stay selected before the Hub is asked about it."""

_Answer = TypeVar("_Answer")


class HubDialog(HubControls):
    """Chooses a Hub model for one role of the recipe.

    Args:
        session: The state of the window.
        place: The index in ``Recipe.roles`` of the role that is selected at first.
    """

    def __init__(self, session: Session, place: int, parent: QWidget | None = None) -> None:
        super().__init__(session.downloads, session.machine_memory, parent)
        self._session = session
        self._cached: list[HubRow] = []
        self._choice: HubChoice | None = None
        self._question: int | None = None
        self._download: Download | None = None
        self._check = CandidateCheck(session, self)
        self._then_download = False
        self._warned: HubChoice | None = None  # the last choice whose vocabulary did not match
        self._destination = (place, "")
        self._pause = QTimer(self, interval=_PAUSE_MS, singleShot=True)
        self._connect()
        self._fill_roles(place)
        self._update()
        self._list_cached()

    # Controls

    def _connect(self) -> None:
        session = self._session
        self.text.returnPressed.connect(self._on_search)
        self.search.clicked.connect(self._on_search)
        self.table.selectionModel().selectionChanged.connect(self._on_row)
        ViewKey.INTO_RESULTS.shortcut(
            self.text, self._into_results, Qt.ShortcutContext.WidgetShortcut
        )
        self.table.activated.connect(lambda: self.action.setFocus())
        self._pause.timeout.connect(self._describe_choice)
        self.revision.textEdited.connect(self._on_revision)
        self.revision.returnPressed.connect(self._describe_choice)
        self.role.activated.connect(self._on_role)
        self.check.clicked.connect(lambda: self._start_check(then_download=False))
        self.cancel_check.clicked.connect(self._stop_check)
        self.action.clicked.connect(self._on_action)
        self.close_button.clicked.connect(self.close)
        self._check.finished.connect(self._on_checked)
        session.downloads.changed.connect(self._update)
        session.downloads.finished.connect(self._on_downloaded)
        session.runs.run_changed.connect(self._update)
        session.recipe_changed.connect(self._on_recipe_changed)

    def _fill_roles(self, place: int) -> None:
        names = [title[:1].upper() + title[1:] for title in role_titles(self._session.recipe)]
        self.role.clear()
        self.role.addItems(names)
        self.role.setCurrentIndex(min(max(place, 0), len(names) - 1))

    def _on_recipe_changed(self) -> None:
        self._fill_roles(self.role.currentIndex())
        self._update()

    def _on_role(self) -> None:
        self._warned = None  # the warning was about another role
        self._update()

    def done(self, result: int) -> None:
        self._check.cancel()
        self._forget()
        self._download = None
        super().done(result)

    def _update(self) -> None:
        choice, active = self._choice, self._check.active
        under_way = self._download is not None and self._download.active
        memory = self._session.machine_memory
        self.facts.show_message(choice.describe(memory) if choice else self._hint())
        self.revision.setEnabled(choice is not None)
        self.check.setVisible(not active)
        self.cancel_check.setVisible(active)
        known = choice is not None and (choice.downloaded or choice.model is not None)
        self.check.setEnabled(known)
        editable = self._session.editable or not (choice and choice.downloaded)
        self.action.setEnabled(choice is not None and editable and not active and not under_way)
        self.action.setText(self._step(choice))
        self.action.setToolTip(
            ""
            if editable
            else self.tr("Models cannot be changed during a run. Press Esc to stop the run.")
        )

    def _step(self, choice: HubChoice | None) -> str:
        """The label of the default button, which says the next step."""
        if choice is None:
            return self.tr("Download")
        if choice.downloaded:
            return self.tr("Use")
        if choice.model is None:
            return self.tr("Look up")
        if choice == self._warned:
            return self.tr("Download anyway")
        if too_large(choice.model.size, self._session.machine_memory):
            return self.tr("Download {0} anyway").format(size(choice.model.missing))
        return self.tr("Download {0}").format(size(choice.model.missing))

    def _hint(self) -> str:
        return self.tr(
            "If you cancel, finished files are kept; an unfinished file is downloaded again. "
            "A download continues after this window is closed."
        )

    # Searching

    def _list_cached(self) -> None:
        self._ask(cached_rows, self._show_cached)

    def _show_cached(self, cached: list[HubRow]) -> None:
        self._cached = cached
        self._show_rows(cached)
        total = size(sum(row.cached.size for row in cached if row.cached))
        here = self.tr("{0} downloaded ({1})").format(_models(len(cached)), total)
        here = here if cached else self.tr("No models from the Hub downloaded yet")
        search = self.tr("Type a name and press Enter to search the Hub.")
        self.message.show_message(f"{here}. {search}")

    def _on_search(self) -> None:
        text = self.text.text().strip()
        if not text:
            self._list_cached()
        elif "/" in text:
            self._go_to(text)
        else:
            self.message.show_message(self.tr("Searching …"))
            self._ask(lambda: hub.search(text), self._show_hits)

    def _go_to(self, text: str) -> None:
        try:
            chosen = hub.parse(text)
        except HubError as error:
            self.message.show_message(str(error), "error")
            return
        self._show_rows([self._row_of(chosen)])
        self.table.selectRow(0)
        self._describe_choice()

    def _row_of(self, chosen: hub.HubId) -> HubRow:
        return next((row for row in self._cached if row.id == chosen), HubRow(chosen))

    def _show_hits(self, hits: list[hub.HubHit]) -> None:
        self._show_rows(rows_of_hits(hits, self._cached))
        text = self.tr("{0} found. Only models with safetensors weights are listed.")
        self.message.show_message(text.format(_models(len(hits))))

    def _show_rows(self, rows: list[HubRow]) -> None:
        self._choose(None)
        self.results.show(rows)

    def _ask(self, question: Callable[[], _Answer], done: Callable[[_Answer], None]) -> None:
        self._forget()
        self._question = self._session.downloads.ask(self, question, done, self._on_failed)

    def _forget(self) -> None:
        self._pause.stop()
        if self._question is not None:
            self._session.downloads.forget(self._question)
            self._question = None

    def _on_failed(self, error: TuneshiftError) -> None:
        text = str(error)
        if isinstance(error, hub.UnreachableError) and self._choice is None:
            self._show_rows(self._cached)
            text = self.tr("{0} The list shows the downloaded models.").format(text)
        self.message.show_message(text, "error")

    # Selecting

    def _choose(self, choice: HubChoice | None) -> None:
        self._check.cancel()
        self._forget()
        self._choice = choice
        self.message.show_message("")
        self._update()

    def _into_results(self) -> None:
        if self.results.rowCount():
            self.table.selectRow(0)
            self.table.setFocus()

    def _on_row(self) -> None:
        for index in self.table.selectionModel().selectedRows():
            row = self.results.row(index.row())
            self.revision.setText(row.id.revision)
            self._choose(HubChoice(row))
            if not row.downloaded:
                self._pause.start()

    def _on_revision(self, text: str) -> None:
        """Forget the description of the previous revision; Enter asks about this one."""
        if self._choice:
            chosen = hub.HubId(self._choice.id.repo, text.strip() or "main")
            self._choose(HubChoice(self._row_of(chosen)))

    def _describe_choice(self) -> None:
        """Ask the Hub about the selected model."""
        if self._choice is None:
            return
        chosen = self._choice.id
        self.message.show_message(self.tr("Asking the Hub about {0} …").format(chosen))
        self._ask(
            lambda: (hub.describe(hub.parse(chosen.source)), hub.free_disk()), self._on_described
        )

    def _on_described(self, answer: tuple[hub.HubModel, int]) -> None:
        model, disk = answer
        if self._choice is None:
            return
        self._choice = replace(self._choice, model=model, disk=disk)
        short = model.missing > disk
        text = self.tr("The download needs {0} of disk space; {1} are free.")
        text = text.format(size(model.missing), size(disk)) if short else ""
        self.message.show_message(text, "error" if short else "caption")
        self._update()

    # Checking

    def _start_check(self, *, then_download: bool) -> None:
        if self._choice is None:
            return
        try:
            recipe = self._session.with_source(self.role.currentIndex(), self._choice.source)
        except TuneshiftError as error:
            self.message.show_message(str(error), "error")
            return
        self._then_download = then_download
        self.message.show_message(self.tr("Downloading the tokenizer and comparing vocabularies …"))
        self._check.start(recipe, [self._choice.id.source])
        self._update()

    def _stop_check(self) -> None:
        self._check.cancel()
        self.message.show_message("")
        self._update()

    def _on_checked(self, found: Preflight | TuneshiftError) -> None:
        if self._choice and not self._choice.downloaded:
            here = self._row_of(self._choice.id)
            self._choice = replace(self._choice, row=here)
        wrong = candidate_check.unusable(found) if isinstance(found, Preflight) else found
        if isinstance(wrong, NotDownloadedError):  # the model of another role
            text = self.tr("The vocabularies cannot be compared yet: {0}.")
            self.message.show_message(text.format(wrong.cause))
        elif wrong:
            self.message.show_message(str(wrong), "error")
            self._warned = None if isinstance(wrong, HubError) else self._choice
            self._then_download = False
        elif isinstance(found, Preflight):
            self.message.show_message(candidate_check.describe(found))
        if self._then_download:
            self._start_download()
        self._update()

    # Downloading and using

    def _on_action(self) -> None:
        choice = self._choice
        if choice is None:
            return
        if choice.downloaded:
            if self._use(self.role.currentIndex(), choice.source):
                self.accept()
        elif choice.model is None:
            self._describe_choice()
        elif choice == self._warned:
            self._start_download()
        else:
            self._start_check(then_download=True)

    def _start_download(self) -> None:
        if self._choice:
            self._destination = (self.role.currentIndex(), self._choice.source)
            self._download = self._session.downloads.add(self._choice.id.source)
            self._update()

    def _on_downloaded(self, download: Download) -> None:
        """Give the downloaded model to the role, unless a run is active."""
        if download is not self._download:
            return
        self._download = None
        self._session.downloads.ask(self, cached_rows, self._on_cache_changed, self._on_failed)
        if not self._session.editable:
            text = self.tr("{0} is downloaded; it can be used after the run has ended.")
            self.message.show_message(text.format(download.name))
        elif self._use(*self._destination):
            text = self.tr("{0} is downloaded and used as: {1}.")
            role = self.role.itemText(self._destination[0])
            self.message.show_message(text.format(download.name, role))

    def _on_cache_changed(self, cached: list[HubRow]) -> None:
        self._cached = cached
        if self._choice:
            self._choice = HubChoice(self._row_of(self._choice.id))
        self._update()

    def _use(self, place: int, source: str) -> bool:
        """Give the model to the role at ``place`` and return whether that was possible."""
        specs = self._session.recipe.checkpoints()
        if place >= len(specs):  # the pair of the role has been removed
            return False
        try:
            if specs[place].source == source:
                self._session.load()
            else:
                self._session.set_source(place, source)
        except TuneshiftError as error:
            self.message.show_message(str(error), "error")
            return False
        return True


def _models(count: int) -> str:
    one, many = translate("HubDialog", "{0} model"), translate("HubDialog", "{0} models")
    return (one if count == 1 else many).format(count)
