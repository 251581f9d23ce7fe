"""The check of a recipe before the weights of its Hub models are downloaded."""

from __future__ import annotations

from threading import Event as Flag

from PySide6.QtCore import QObject, Signal

from app.checkpoints import hub
from app.checkpoints.preflight_report import Preflight, RoleVocabulary, Verdict
from app.checkpoints.spec import Recipe
from app.errors import TuneshiftError, VocabularyError
from app.ui.state.session import Session
from app.ui.translation import translate
from app.ui.words.role_words import role_title
from app.ui.words.share_words import least_shares, shares_in_words
from app.wording import size


class CandidateCheck(QObject):
    """Fetches configurations, tokenizers and headers of Hub models, then asks the engine.

    Args:
        session: The state of the window, which reaches the engine and the Hub.
    """

    finished = Signal(object)
    """The result: a ``Preflight``, or the ``TuneshiftError`` that prevented it."""

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._recipe: Recipe | None = None
        self._cancel = Flag()
        session.candidate_checked.connect(self._on_checked)

    @property
    def active(self) -> bool:
        """Whether a check is in progress."""
        return self._recipe is not None

    def start(self, recipe: Recipe, sources: list[str]) -> None:
        """Fetch the small files of the Hub models in ``sources``, then check ``recipe``."""
        self.cancel()
        self._recipe, self._cancel = recipe, Flag()
        cancel, closing = self._cancel, self._session.downloads.closing

        def fetch() -> Flag:
            for source in sources:
                hub.fetch_metadata(hub.parse(source), lambda: cancel.is_set() or closing.is_set())
            return cancel

        self._session.downloads.ask(
            self, fetch, self._on_fetched, lambda error: self._on_failed(cancel, error)
        )

    def cancel(self) -> None:
        """Cancel the check; no result is signalled."""
        self._recipe = None
        self._cancel.set()

    def _on_fetched(self, cancel: Flag) -> None:
        if cancel is self._cancel and self._recipe:
            self._session.check_candidate(self._recipe)

    def _on_failed(self, cancel: Flag, error: TuneshiftError) -> None:
        if cancel is self._cancel and self._recipe:
            self._finish(error)

    def _on_checked(self, recipe: Recipe, found: Preflight | TuneshiftError) -> None:
        if self._recipe and _sources(recipe) == _sources(self._recipe):
            self._finish(found)

    def _finish(self, found: Preflight | TuneshiftError) -> None:
        self._recipe = None
        self.finished.emit(found)


def _sources(recipe: Recipe) -> list[tuple[str, str]]:
    return [(spec.source, spec.over) for spec in recipe.checkpoints()]


def unusable(found: Preflight) -> VocabularyError | None:
    """The error that says why the models of a recipe do not fit together, or None if they do."""
    different = [role for role in found.vocabulary.roles if role.verdict is Verdict.DIFFERENT]
    if not different:
        return None
    worst = max(different, key=lambda role: role.different)
    return VocabularyError(
        translate(
            "CandidateCheck", "The vocabulary of the {0} differs from that of the base"
        ).format(role_title(worst.role, found.recipe)),
        evidence="; ".join([_amount(worst), *_examples(worst)]),
        next_step=translate("CandidateCheck", "Choose models that share a tokenizer."),
    )


def describe(found: Preflight) -> str:
    """The result of checking a usable recipe, in one or two sentences."""
    roles = found.vocabulary.roles
    few = max(roles, key=lambda role: role.different)
    shares = least_shares(found.vocabulary)
    if shares:
        bytes_ = translate("CandidateCheck", "Another tokenizer, which goes through bytes: {0}.")
        sentences = [bytes_.format(shares_in_words(shares))]
    elif few.different:
        some = translate("CandidateCheck", "The vocabularies match except for some ids: {0}.")
        sentences = [some.format(_amount(few))]
    else:
        all_ = translate("CandidateCheck", "The vocabularies match: {0} tokens.")
        sentences = [all_.format(f"{roles[0].tokens:,}")]
    for device in found.memory.devices:
        if not device.fits:
            needs = translate(
                "CandidateCheck",
                "The recipe needs {0} on {1}, where {2} are free.",
            )
            sentences.append(needs.format(size(device.peak), device.device, size(device.free)))
    return " ".join(sentences)


def _amount(role: RoleVocabulary) -> str:
    differ = translate("CandidateCheck", "{0} of {1} tokens differ")
    return differ.format(f"{role.different:,}", f"{role.tokens:,}")


def _examples(role: RoleVocabulary) -> list[str]:
    example = translate("CandidateCheck", "id {0} is {1} in the base and {2} in this model")
    return [
        example.format(item.token_id, _spelled(item.base), _spelled(item.other))
        for item in role.differences[:2]
    ]


def _spelled(token: str | None) -> str:
    return translate("CandidateCheck", "no token") if token is None else f"“{token}”"
