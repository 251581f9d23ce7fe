"""Description of the selected token: probabilities, alphas, contributions and entropies."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from app.attribution.attribution import TokenAttribution
from app.attribution.explained_token import ExplainedToken
from app.attribution.measures import in_unit
from app.attribution.shapley import MOST_EXACT_PAIRS
from app.ui.inspector.contribution_bars import ContributionBars
from app.ui.state.number_units import Units
from app.ui.state.runs.run import Run
from app.ui.theme import SMALL, SPACE
from app.ui.words.unit_words import information, number
from app.wording import factor, probability, quoted

_HEADING = 1.5


@dataclass(frozen=True, slots=True)
class TokenAtAlphas:
    """A token with its attribution at the alphas of the run or at others.

    Attributes:
        alphas: The alphas of ``explained``.
        explained: Attribution of the token at ``alphas``.
        estimated: Whether ``explained`` is an estimate from the candidates.
    """

    run: Run
    token: ExplainedToken
    alphas: tuple[float, ...]
    explained: TokenAttribution
    estimated: bool = False

    @property
    def has_pairs(self) -> bool:
        """Whether the run has pairs; the answer of a single role has none."""
        return bool(self.run.pair_names)


class TokenDescription(QWidget):
    """Heading, position, probabilities, and a bar for the contribution of each pair."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._units = Units()
        self._token: TokenAtAlphas | None = None
        self._heading = plain_label()
        scale_font(self._heading, _HEADING)
        self._place = caption()
        self._description = plain_label()
        self._description.setWordWrap(True)
        self._skipped = caption()
        self._skipped.setText(
            self.tr(
                "The policy of α did not need the pairs here, and they did not read this token: "
                "it was sampled from the base alone."
            )
        )
        self._skipped.hide()
        self._shares_title = section()
        self._shares = ContributionBars()
        self._entropies = caption()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE // 4)
        layout.addWidget(self._heading)
        layout.addWidget(self._place)
        layout.addWidget(self._description)
        layout.addWidget(self._skipped)
        layout.addSpacing(SPACE // 2)
        layout.addWidget(self._shares_title)
        layout.addWidget(self._shares)
        layout.addWidget(self._entropies)

    def show_skipped(self, skipped: bool) -> None:
        """Say whether the token was sampled from the base alone."""
        self._skipped.setVisible(skipped)

    def set_units(self, units: Units) -> None:
        """Tell the numbers in other units."""
        if units != self._units:
            self._units = units
            if self._token is not None:
                self.show_token(self._token)

    def show_token(self, shown: TokenAtAlphas) -> None:
        """Describe another token, or the same token at other alphas."""
        self._token = shown
        run, token = shown.run, shown.token
        self._heading.setText(quoted(token.text or run.label(token.token_id)))
        self._place.setText(self._describe_position(shown))
        self._description.setText(self._describe(shown))
        for widget in (self._shares_title, self._shares):
            widget.setVisible(shown.has_pairs)
        sampled = len(run.pair_names) > MOST_EXACT_PAIRS
        self._shares_title.setText(
            self.tr("Contribution of each pair, approximate")
            if sampled or shown.estimated
            else self.tr("Contribution of each pair")
        )
        self._shares_title.setToolTip(
            self.tr(
                "With more than six pairs, contributions are estimated from sampled "
                "orders of the pairs; their sum is exact."
            )
            if sampled
            else ""
        )
        self._shares.show_shares(run.pair_names, shown.explained, self._units.contributions)
        parts = [
            self._describe_entropies(shown),
            self._describe_structure(shown),
            self._describe_coverage(shown),
        ]
        self._entropies.setText("\n".join(line for line in parts if line))

    def _describe_position(self, shown: TokenAtAlphas) -> str:
        explained, token = shown.explained, shown.token
        place, rank = f"{token.index + 1:,}", f"{explained.rank_tuned:,}"
        if not shown.has_pairs:
            text = self.tr("token {0} · rank {1}").format(place, rank)
        elif shown.estimated:
            text = self.tr("token {0} · rank about {1} (base {2})").format(
                place, rank, f"{explained.rank_base:,}"
            )
        else:
            text = self.tr("token {0} · rank {1} (base {2})").format(
                place, rank, f"{explained.rank_base:,}"
            )
        return self.tr("{0} · given, not sampled").format(text) if token.forced else text

    def _describe(self, shown: TokenAtAlphas) -> str:
        run, explained = shown.run, shown.explained
        if not shown.has_pairs:
            return self.tr("probability {0}; generated by one role alone, without pairs").format(
                probability(explained.p_tuned)
            )
        before, after = probability(explained.p_base), probability(explained.p_tuned)
        if explained.flipped:
            text = self.tr("base {0} → tuned {1}; flip: most probable under the base is {2}")
        elif shown.estimated:
            text = self.tr("base {0} → tuned about {1}")
        else:
            text = self.tr("base {0} → tuned {1}")
        text = text.format(before, after, quoted(run.label(explained.argmax_base)))
        return text + "\n" + self.tr("α: {0}").format(self._describe_alphas(shown))

    def _describe_structure(self, shown: TokenAtAlphas) -> str:
        """The probability after the mask, if the text had to have a structure."""
        if shown.token.forced or not shown.run.recipe.sampling.structured:
            return ""
        return self.tr("Sampled with {0} after tokens without the structure were excluded").format(
            probability(shown.token.sampled_probability)
        )

    def _describe_coverage(self, shown: TokenAtAlphas) -> str:
        """Coverage, for a base behind an endpoint and for pairs of another tokenizer."""
        explained = shown.token.attribution
        coverage = explained.coverage
        if not shown.run.recipe.base.is_endpoint or shown.run.role:
            if coverage is None:
                return ""
            exact = self.tr(
                "Pairs of another tokenizer know tokens with {0} of the base's probability exactly"
            ).format(f"{coverage:.1%}")
            if explained.bounded is None or explained.unknown is None:
                return exact  # the run is of an earlier version
            rest = self.tr("{0}, of tokens with {1} the first piece, of tokens with {2} nothing")
            return rest.format(exact, f"{explained.bounded:.1%}", f"{explained.unknown:.1%}")
        if shown.run.recipe.base.tuned:  # it sampled from whole rows, and sent a few of them
            return ""
        if coverage is None:  # the run was opened from the history
            coverage = shown.run.candidates(shown.token.index).coverage
        return self.tr("The server returned tokens with {0} of the base's probability").format(
            f"{coverage:.1%}"
        )

    def _describe_entropies(self, shown: TokenAtAlphas) -> str:
        """Entropies and KL divergence, in bits or nats."""
        explained, unit = shown.explained, self._units.information
        if not shown.has_pairs:
            return self.tr("Entropy {0}").format(information(explained.entropy_base, unit))
        text = (
            self.tr("Entropy {0} → about {1} · KL(tuned‖base) about {2}")
            if shown.estimated
            else self.tr("Entropy {0} → {1} · KL(tuned‖base) {2}")
        )
        return text.format(
            number(in_unit(explained.entropy_base, unit)),
            information(explained.entropy_tuned, unit),
            information(explained.kl, unit),
        )

    def _describe_alphas(self, shown: TokenAtAlphas) -> str:
        """The alphas; an α that differs from the run's is followed by the run's."""
        parts = []
        alphas = zip(shown.run.pair_names, shown.alphas, shown.token.alphas, strict=True)
        for name, alpha, run_alpha in alphas:
            if alpha == run_alpha:
                parts.append(f"{name} {factor(alpha, 'g')}")
            else:
                tried = self.tr("{0} {1} instead of {2}")
                parts.append(tried.format(name, factor(alpha), factor(run_alpha, "g")))
        return ", ".join(parts)


def plain_label() -> QLabel:
    """A label that does not interpret markup."""
    label = QLabel()
    label.setTextFormat(Qt.TextFormat.PlainText)
    return label


def caption() -> QLabel:
    """A label with small, muted text."""
    label = plain_label()
    label.setProperty("role", "caption")
    label.setWordWrap(True)
    scale_font(label, SMALL)
    return label


def section(text: str = "") -> QLabel:
    """A label with the title of a section."""
    label = plain_label()
    label.setText(text)
    label.setProperty("role", "section")
    label.setWordWrap(True)
    return label


def scale_font(label: QLabel, factor: float) -> None:
    """Scale the font of a label."""
    font = label.font()
    font.setPointSizeF(font.pointSizeF() * factor)
    label.setFont(font)
