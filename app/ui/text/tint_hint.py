"""The hint below the text, which says what the colour of its tokens is."""

from __future__ import annotations

from app.attribution.measures import Measure
from app.ui.state.hints import Hint
from app.ui.state.session import Session
from app.ui.text.tint_menus import shown_pairs
from app.ui.text.tint_words import tint_title
from app.ui.widgets.hint_label import HintLabel


class TintHint(HintLabel):
    """Explains the chosen tint, for the shown run."""

    def __init__(self, session: Session) -> None:
        super().__init__(session.display.hints, Hint.TINT, "")
        self._session = session
        session.display.tint_changed.connect(self._explain)
        session.runs.run_changed.connect(self._explain)
        self._explain()

    def _explain(self) -> None:
        pairs = shown_pairs(self._session)
        tint = self._session.display.tint.of(len(pairs))
        if tint.measure is Measure.SHIFT:
            text = self.tr(
                "Colour: how much more (green) or less (violet) probable the pairs made it."
            )
        elif tint.measure is Measure.CONTRIBUTION:
            text = self.tr(
                "Colour: how much more (the pair's colour) or less (grey) probable {0} made it."
            ).format(pairs[tint.pair])
        else:
            text = self.tr("Colour: {0}.").format(tint_title(tint, pairs))
        self.set_text(text)
        self.set_wanted(self._session.runs.current is not None)
