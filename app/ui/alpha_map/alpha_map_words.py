"""Texts of the map of α: of a cell, of the range of colours, and of what is computed."""

from __future__ import annotations

from PySide6.QtCore import QObject

from app.ui.alpha_map.grid_computation import GridComputation
from app.ui.alpha_map.grid_values import Cell, GridMeasure, GridValues
from app.ui.state.runs.run import Run
from app.wording import decimals, factor, probability, quoted


class AlphaMapWords(QObject):
    """Texts of the map of α."""

    def measures(self) -> dict[str, str]:
        """The titles of the measures."""
        return {
            GridMeasure.PROBABILITY: self.tr("Probability of the token"),
            GridMeasure.CHANGED: self.tr("Most probable token changed"),
            GridMeasure.ENTROPY: self.tr("Entropy"),
        }

    def refusal(self, run: Run | None) -> str:
        """Why a run has no map; empty if it has one."""
        if run is None or not run.tokens:
            return self.tr("Press Generate first.")
        if not run.pair_names:
            return self.tr("One role generated this run alone: there is no α to change.")
        return ""

    def question_refusal(self, run: Run, pair: int | None) -> str:
        """Why the column of an α is no what-if question; empty if it is one.

        Args:
            run: The run.
            pair: The pair whose α varies; None if the alphas of all pairs are scaled.
        """
        if run.has_policy:
            return self.tr("A policy of α scaled α at each token of this run.")
        fixed = {
            tuple(alpha for place, alpha in enumerate(token.alphas) if place != pair)
            for token in run.tokens
        }
        if len(fixed) > 1:
            return self.tr(
                "The α of this run differ from token to token, and a what-if question has "
                "the same α for all tokens."
            )
        return ""

    def title_of(self, run: Run, pair: int | None) -> str:
        """The title of the axis."""
        if pair is None:
            return self.tr("factor of all α")
        return self.tr("α of {0}").format(run.pair_names[pair])

    def range_of(self, measure: GridMeasure, highest: float) -> tuple[str, str]:
        """What stands at the weakest and at the strongest colour."""
        match measure:
            case GridMeasure.PROBABILITY:
                return "0", "1"
            case GridMeasure.CHANGED:
                return self.tr("same"), self.tr("another")
            case GridMeasure.ENTROPY:
                return "0", self.tr("{0} bits").format(f"{highest:.1f}")

    def cell(self, run: Run, values: GridValues, index: int, place: int, pair: int | None) -> str:
        """A token at an α of the axis, in one line."""
        token = run.tokens[index]
        axis = self.title_of(run, pair)
        head = self.tr("Token {0} {1}, {2} = {3}").format(
            f"{index + 1:,}",
            quoted(token.text or run.label(token.token_id)),
            axis,
            factor(float(values.alphas[place])),
        )
        cell = values.cell(index, place)
        return f"{head}: {self._values(run, cell)}" if cell else f"{head}: {self.tr('not known')}"

    def _values(self, run: Run, cell: Cell) -> str:
        parts = [
            self.tr("probability {0}").format(probability(cell.probability)),
            self.tr("entropy {0} bits").format(decimals(cell.entropy, 2)),
            (
                self.tr("most probable {0}, another than in the run")
                if cell.changed
                else self.tr("most probable {0}, as in the run")
            ).format(quoted(run.label(cell.argmax))),
        ]
        return "; ".join([*parts, self.tr("estimated")] if cell.estimated else parts)

    def state(self, computation: GridComputation) -> str:
        """How much was computed, and of what."""
        values, parts = computation.values, []
        done, total = computation.done, computation.total
        if done < total:
            parts.append(self.tr("{0} of {1} tokens").format(f"{done:,}", f"{total:,}"))
        if values.estimated:
            parts.append(
                self.tr(
                    "{0} tokens are estimated from their candidates: their logits are not kept"
                ).format(f"{values.estimated:,}")
            )
        return ". ".join(parts)
