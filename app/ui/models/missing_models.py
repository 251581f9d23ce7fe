"""Downloads the Hub models that a recipe lacks, then loads the recipe."""

from __future__ import annotations

from enum import Enum, auto

from PySide6.QtCore import QObject, Signal

from app.checkpoints import hub
from app.checkpoints.preflight_report import Preflight
from app.checkpoints.spec import Recipe
from app.errors import HubError, NotDownloadedError, TuneshiftError
from app.ui.models.candidate_check import CandidateCheck, unusable
from app.ui.state.models.downloads import Download, DownloadState
from app.ui.state.session import Session
from app.ui.words.fit_words import too_large
from app.wording import size


class _Stage(Enum):
    IDLE = auto()
    OFFERED = auto()
    ASKING = auto()  # asking the Hub for the sizes of the missing models
    CHECKING = auto()
    DOWNLOADING = auto()


class MissingModels(QObject):
    """Offers to download the models that a recipe lacks; :meth:`go_on` takes the offer.

    The network is not used before :meth:`go_on`.
    """

    changed = Signal()
    """``offer`` or ``busy`` changed."""

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._stage = _Stage.IDLE
        self._sources: tuple[str, ...] = ()
        self._size = 0
        self._size_known = False
        self._reported: TuneshiftError | None = None
        self._coming: list[Download] = []
        self._check = CandidateCheck(session, self)
        self._check.finished.connect(self._on_checked)
        session.problem_changed.connect(self._on_problem)
        session.downloads.finished.connect(self._on_downloads)
        session.downloads.changed.connect(self._on_downloads)

    @property
    def offer(self) -> str:
        """The button label of the next step of :meth:`go_on`; empty if there is none."""
        if self._stage is _Stage.IDLE:
            return ""
        count = len(self._sources)
        what = self.tr("{0} models").format(count) if count > 1 else self.tr("the model")
        if self.warning:
            return self.tr("Download {0} anyway ({1})").format(what, size(self._size))
        if not self._size:
            return self.tr("Download {0} …").format(what)
        about = (
            size(self._size) if self._size_known else self.tr("about {0}").format(size(self._size))
        )
        return self.tr("Download {0} ({1})").format(what, about)

    @property
    def warning(self) -> str:
        """A warning that the models are too large for this machine; empty if they are not."""
        if self._stage is _Stage.IDLE or not self._size:
            return ""
        return too_large(self._size, self._session.machine_memory)

    @property
    def busy(self) -> str:
        """The label of the step in progress; empty if there is none."""
        return {
            _Stage.ASKING: self.tr("Asking the Hub …"),
            _Stage.CHECKING: self.tr("Comparing vocabularies …"),
            _Stage.DOWNLOADING: self.tr("Downloading …"),
        }.get(self._stage, "")

    def go_on(self) -> None:
        """Ask the Hub for unknown sizes, otherwise check the recipe and download its models."""
        if self._stage is not _Stage.OFFERED:
            return
        self._set_stage(_Stage.ASKING)
        sources, only_sizes = self._sources, not self._size

        def ask() -> tuple[int, int]:
            models = [hub.describe(hub.parse(source)) for source in sources]
            return sum(model.missing for model in models), hub.free_disk()

        def done(answer: tuple[int, int]) -> None:
            if sources == self._sources and self._stage is _Stage.ASKING:
                self._on_sizes(*answer, only_sizes=only_sizes)

        self._session.downloads.ask(self, ask, done, self._fail)

    # Missing models

    def _on_problem(self) -> None:
        if self._stage is _Stage.DOWNLOADING:
            return
        problem = self._session.problem
        if problem and isinstance(problem.error, NotDownloadedError):
            self._find(self._session.recipe)
        elif problem is None or problem.error is not self._reported:
            self._withdraw()

    def _find(self, recipe: Recipe) -> None:
        named = recipe.hub_sources()

        def find() -> tuple[str, ...]:
            return tuple(s for s in named if hub.cached_folder(hub.parse(s)) is None)

        def done(missing: tuple[str, ...]) -> None:
            if self._session.problem and self._session.recipe == recipe and missing:
                self._sources, self._size_known = missing, False
                self._size = recipe.download_bytes if missing == named else 0
                self._set_stage(_Stage.OFFERED)

        self._session.downloads.ask(self, find, done, lambda error: self._withdraw())

    def _withdraw(self) -> None:
        self._check.cancel()
        self._sources, self._size = (), 0
        self._set_stage(_Stage.IDLE)

    def _set_stage(self, stage: _Stage) -> None:
        self._stage = stage
        self.changed.emit()

    def _fail(self, error: TuneshiftError) -> None:
        """Show the error; the offer stays for another try."""
        if self._stage in (_Stage.ASKING, _Stage.CHECKING):
            self._set_stage(_Stage.OFFERED)
            self._reported = error
            self._session.report(error)

    # Looking, checking, downloading

    def _on_sizes(self, missing: int, disk: int, *, only_sizes: bool) -> None:
        self._size, self._size_known = missing, True
        if missing > disk:
            self._fail(
                HubError(
                    self.tr("There is not enough disk space"),
                    evidence=self.tr("needed {0}, free {1}").format(size(missing), size(disk)),
                    next_step=self.tr(
                        "Delete models that you no longer need: Models, Downloaded models."
                    ),
                )
            )
        elif only_sizes:
            self._set_stage(_Stage.OFFERED)
        else:
            self._set_stage(_Stage.CHECKING)
            self._check.start(self._session.recipe, list(self._sources))

    def _on_checked(self, found: Preflight | TuneshiftError) -> None:
        wrong = unusable(found) if isinstance(found, Preflight) else found
        if wrong:
            self._fail(wrong)
            return
        self._set_stage(_Stage.DOWNLOADING)
        self._session.clear_problem()
        self._coming = [self._session.downloads.add(source) for source in self._sources]

    def _on_downloads(self) -> None:
        if self._stage is not _Stage.DOWNLOADING or not self._coming:
            return
        states = {download.state for download in self._coming}
        needed = set(self._sources) <= set(self._session.recipe.hub_sources())
        cancelled, source = DownloadState.CANCELLED in states, self._sources[0]
        if not cancelled and states != {DownloadState.DONE}:
            return
        self._end()
        if not needed:
            self._on_problem()  # a recipe opened in the meantime may lack models too
        elif cancelled:
            self._session.report(NotDownloadedError(source))
        else:
            self._session.load()

    def _end(self) -> None:
        self._coming = []
        self._withdraw()
