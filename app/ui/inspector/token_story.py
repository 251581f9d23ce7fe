"""The selected token in words and bars: what became of its probability, and by whom."""

from __future__ import annotations

import math
from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from app.attribution.attribution import TokenAttribution
from app.attribution.explained_token import ExplainedToken
from app.attribution.shapley import MOST_EXACT_PAIRS
from app.ui.inspector.contribution_bars import ContributionBars
from app.ui.state.texts.text_run import Run
from app.ui.theme import SMALL, SPACE
from app.wording import probability, quoted

_HEADING = 1.5


@dataclass(frozen=True, slots=True)
class Look:
    """What is looked at: a token, under the weights it was drawn with or under others.

    Attributes:
        alphas: The weights; ``explained`` is what the pairs do under them.
        estimated: Whether that is an estimate from the candidates.
    """

    run: Run
    token: ExplainedToken
    alphas: tuple[float, ...]
    explained: TokenAttribution
    estimated: bool = False

    @property
    def steered(self) -> bool:
        """Whether pairs act on the text at all."""
        return bool(self.run.pair_names)


class TokenStory(QWidget):
    """Heading, place, probabilities, and a bar for each pair; all under the same weights."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._heading = plain_label()
        scale_font(self._heading, _HEADING)
        self._place = caption()
        self._story = plain_label()
        self._story.setWordWrap(True)
        self._shares_title = section()
        self._shares = ContributionBars()
        self._entropies = caption()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE // 4)
        layout.addWidget(self._heading)
        layout.addWidget(self._place)
        layout.addWidget(self._story)
        layout.addSpacing(SPACE // 2)
        layout.addWidget(self._shares_title)
        layout.addWidget(self._shares)
        layout.addWidget(self._entropies)

    def show_look(self, look: Look) -> None:
        """Tell of another token, or of the same under other weights."""
        run, token = look.run, look.token
        self._heading.setText(quoted(token.text or run.label(token.token_id)))
        self._place.setText(self._tell_place(look))
        self._story.setText(self._tell(look))
        for widget in (self._shares_title, self._shares):
            widget.setVisible(look.steered)
        sampled = len(run.pair_names) > MOST_EXACT_PAIRS
        self._shares_title.setText(
            self.tr("What each pair gave or took, approximately")
            if sampled or look.estimated
            else self.tr("What each pair gave or took")
        )
        self._shares_title.setToolTip(
            self.tr("Above six pairs orders of pairs are sampled; the sum is exact.")
            if sampled
            else ""
        )
        self._shares.show_shares(run.pair_names, look.explained.contributions)
        told = [self._tell_entropies(look), self._tell_coverage(look)]
        self._entropies.setText("\n".join(line for line in told if line))

    def _tell_place(self, look: Look) -> str:
        explained, token = look.explained, look.token
        place, rank = f"{token.index + 1:,}", f"{explained.rank_tuned:,}"
        if not look.steered:
            told = self.tr("token {0} · rank {1}").format(place, rank)
        elif look.estimated:
            told = self.tr("token {0} · rank about {1} (base {2})").format(
                place, rank, f"{explained.rank_base:,}"
            )
        else:
            told = self.tr("token {0} · rank {1} (base {2})").format(
                place, rank, f"{explained.rank_base:,}"
            )
        return self.tr("{0} · given, not drawn").format(told) if token.forced else told

    def _tell(self, look: Look) -> str:
        run, explained = look.run, look.explained
        if not look.steered:
            return self.tr("probability {0}; no pair acts on the text of one role").format(
                probability(explained.p_tuned)
            )
        before, after = probability(explained.p_base), probability(explained.p_tuned)
        if explained.flipped:
            story = self.tr(
                "base {0} → tuned {1}; the experts changed the first choice (base: {2})"
            )
        elif look.estimated:
            story = self.tr("base {0} → tuned about {1}")
        else:
            story = self.tr("base {0} → tuned {1}")
        told = story.format(before, after, quoted(run.label(explained.argmax_base)))
        return told + "\n" + self.tr("α: {0}").format(self._tell_alphas(look))

    def _tell_coverage(self, look: Look) -> str:
        """How much of the base's probability was known, where it is behind an endpoint."""
        if not look.run.recipe.base.is_endpoint or look.run.role:
            return ""
        coverage = look.token.attribution.coverage
        if coverage is None:  # of the history
            coverage = look.run.candidates(look.token.index).coverage
        return self.tr("The server told of {0} of the base's probability").format(f"{coverage:.1%}")

    def _tell_entropies(self, look: Look) -> str:
        """Entropies and divergence in bits."""
        explained = look.explained
        entropies = (explained.entropy_base, explained.entropy_tuned, explained.kl)
        bits = [f"{nats / math.log(2):.2f}" for nats in entropies]
        if not look.steered:
            told = self.tr("Entropy {0} bits")
        elif look.estimated:
            told = self.tr("Entropy {0} → about {1} bits · KL(tuned‖base) about {2} bits")
        else:
            told = self.tr("Entropy {0} → {1} bits · KL(tuned‖base) {2} bits")
        return told.format(*bits)

    def _tell_alphas(self, look: Look) -> str:
        """The weights; where another is tried, the one that was in force as well."""
        parts = []
        weights = zip(look.run.pair_names, look.alphas, look.token.alphas, strict=True)
        for name, alpha, in_force in weights:
            if alpha == in_force:
                parts.append(f"{name} {alpha:g}")
            else:
                tried = self.tr("{0} {1} instead of {2}")
                parts.append(tried.format(name, f"{alpha:.2f}", f"{in_force:g}"))
        return ", ".join(parts).replace("-", "−")


def plain_label() -> QLabel:
    """A label that takes no text for markup."""
    label = QLabel()
    label.setTextFormat(Qt.TextFormat.PlainText)
    return label


def caption() -> QLabel:
    """Small, quiet text."""
    label = plain_label()
    label.setProperty("role", "caption")
    label.setWordWrap(True)
    scale_font(label, SMALL)
    return label


def section(text: str = "") -> QLabel:
    """The title of a part of a column."""
    label = plain_label()
    label.setText(text)
    label.setProperty("role", "section")
    label.setWordWrap(True)
    return label


def scale_font(label: QLabel, factor: float) -> None:
    """Make the text of a label larger or smaller than the window's."""
    font = label.font()
    font.setPointSizeF(font.pointSizeF() * factor)
    label.setFont(font)
