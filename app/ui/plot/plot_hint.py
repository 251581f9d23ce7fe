"""The hint below the plot, which says what its bars and lines are."""

from __future__ import annotations

from app.attribution.plot_measure import PlotMeasure
from app.ui.state.hints import Hint
from app.ui.state.session import Session
from app.ui.widgets.hint_label import HintLabel


class PlotHint(HintLabel):
    """Explains the measures that the plot shows, for the shown run."""

    def __init__(self, session: Session) -> None:
        super().__init__(session.display.hints, Hint.PLOT, "")
        self._session = session
        session.display.plot_changed.connect(self._explain)
        session.runs.run_changed.connect(self._explain)
        self._explain()

    def _explain(self) -> None:
        run, measures = self._session.runs.current, self._session.display.plot_measures
        sentences = self._of_pairs(measures) if run and run.pair_names else self._alone(measures)
        self.set_text(" ".join(sentences))
        self.set_wanted(run is not None and bool(sentences))

    def _of_pairs(self, measures: tuple[PlotMeasure, ...]) -> list[str]:
        by_pair = any(measure.by_pair for measure in measures)
        sentences = []
        if by_pair:
            sentences.append(self.tr("Bars: what each pair gave or took."))
        if PlotMeasure.KL in measures:
            sentences.append(
                self.tr("Bars of KL: how far all pairs moved the distribution.")
                if by_pair
                else self.tr("Bars: how far all pairs moved the distribution.")
            )
        if any(measure.has_lines for measure in measures):
            sentences.append(self.tr("Lines: under the base (dashed) and tuned."))
        return sentences

    def _alone(self, measures: tuple[PlotMeasure, ...]) -> list[str]:
        """The sentence for a run without pairs, whose plot has no bars."""
        if not any(measure.has_lines for measure in measures):
            return []
        return [self.tr("Line: in the distribution that each token was sampled from.")]
