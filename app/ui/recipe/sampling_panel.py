"""The sampling panel: a one-line summary that opens the sampling settings below it."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtWidgets import (
    QGridLayout,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.checkpoints.spec import Recipe
from app.checkpoints.structure_grammar import check_structure
from app.decoding.alpha_policy import parse_policy
from app.decoding.types import MAX_BIAS, MAX_PENALTY
from app.errors import SettingsError
from app.ui.recipe.alpha_policy_field import AlphaPolicyField
from app.ui.recipe.bias_field import BiasField
from app.ui.recipe.seed_field import SeedField
from app.ui.recipe.stop_strings import read_stop_strings, write_stop_strings
from app.ui.recipe.structure_field import StructureField
from app.ui.state.preset_file import SAMPLING
from app.ui.state.session import Session
from app.ui.theme import SPACE
from app.ui.widgets.form_controls import Disclosure, NumberBox
from app.ui.widgets.preset_button import PresetButton

_STOP_LINES = 2


class SamplingPanel(QWidget):
    """Edits ``Recipe.sampling``; refuses invalid values with a message."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._shown: Recipe | None = None
        self._header = Disclosure()
        self._header.toggled.connect(self._open)
        self._boxes: dict[str, NumberBox] = {}
        self._seed = SeedField(session)
        self._seed.refused.connect(self._say)
        self._stop = QPlainTextEdit()
        self._structure = StructureField()
        self._policy = AlphaPolicyField()
        kinds = (self._structure.kind, self._policy.kind)
        self._tips = {kind: kind.toolTip() for kind in kinds}
        """What the choices say while they can be had."""
        self._error = QLabel()
        self._error.setProperty("role", "error")
        self._error.setWordWrap(True)
        self._error.hide()
        self._body = QWidget()
        self._make_body()
        self._body.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE)
        layout.addWidget(self._header)
        layout.addWidget(self._body)
        self.setFocusProxy(self._header)
        session.recipe_changed.connect(self._update)
        self._update()

    # Construction

    def _make_body(self) -> None:
        self._form = QGridLayout(self._body)
        self._form.setContentsMargins(0, 0, 0, 0)
        self._form.setHorizontalSpacing(SPACE)
        self._form.setVerticalSpacing(SPACE // 2)
        self._form.setColumnStretch(1, 1)
        self._add_boxes()
        self._add(self.tr("Seed"), self._seed.edit, self._seed)
        self._make_stop()
        self._add(self.tr("Stop strings"), self._stop, self._stop)
        self._structure.edited.connect(self._change_structure)
        self._add(self.tr("Structure"), self._structure.kind, self._structure)
        self._policy.edited.connect(lambda policy: self._change("alpha_policy", policy))
        self._add(self.tr("Policy of α"), self._policy.kind, self._policy, whole_row=True)
        self._form.addWidget(BiasField(self._session), self._form.rowCount(), 0, 1, 2)
        reset = QPushButton(self.tr("Reset to the recipe"))
        reset.setProperty("role", "link")
        reset.clicked.connect(self._reset)
        presets = PresetButton(SAMPLING, self._preset)
        presets.setToolTip(self.tr("Sampling settings that were saved, without the seed"))
        presets.chosen.connect(self._take_preset)
        presets.failed.connect(self._session.report)
        rows = self._form.rowCount()
        self._form.addWidget(self._error, rows, 0, 1, 2)
        self._form.addWidget(reset, rows + 1, 0, 1, 2, Qt.AlignmentFlag.AlignLeft)
        self._form.addWidget(presets, rows + 1, 1, Qt.AlignmentFlag.AlignRight)

    def _add_boxes(self) -> None:
        off = self.tr("off")
        self._add_box(
            "max_new_tokens",
            self.tr("Max new tokens"),
            NumberBox(1, 1_000_000, 16, 0),
            self.tr("A run ends after at most this many tokens."),
        )
        self._add_box(
            "temperature",
            self.tr("Temperature"),
            NumberBox(0, 100, 0.1, 4, self.tr("0 (greedy)")),
            self.tr("0 is greedy: always the most probable token. Higher values are more random."),
        )
        self._add_box(
            "top_k",
            self.tr("Top-k"),
            NumberBox(0, 10_000_000, 10, 0, off),
            self.tr("Sample only from the k most probable tokens; 0 is off."),
        )
        self._add_box(
            "top_p",
            self.tr("Top-p"),
            NumberBox(0, 1, 0.05, 4),
            self.tr(
                "Sample only from the fewest tokens that reach this total probability; 1 is off."
            ),
        )
        self._add_box(
            "min_p",
            self.tr("Min-p"),
            NumberBox(0, 1, 0.05, 4, off),
            self.tr("Exclude tokens below this fraction of the top token's probability; 0 is off."),
        )
        self._add_box(
            "repetition_penalty",
            self.tr("Repetition penalty"),
            NumberBox(0, 100, 0.05, 4),
            self.tr("Above 1, tokens that already occur become less probable; 1 is off."),
        )
        self._add_box(
            "frequency_penalty",
            self.tr("Frequency penalty"),
            NumberBox(-MAX_PENALTY, MAX_PENALTY, 0.1, 4),
            self.tr("Subtracted from a token's logit each time it was generated; 0 is off."),
        )
        self._add_box(
            "presence_penalty",
            self.tr("Presence penalty"),
            NumberBox(-MAX_PENALTY, MAX_PENALTY, 0.1, 4),
            self.tr("Subtracted from the logits of tokens that were generated; 0 is off."),
        )

    def _add_box(self, name: str, title: str, box: NumberBox, about: str) -> None:
        whole = box.decimals() == 0
        box.setToolTip(about)
        box.valueChanged.connect(lambda value: self._change(name, int(value) if whole else value))
        self._boxes[name] = box
        self._add(title, box, box)

    def _add(
        self, title: str, control: QWidget, place: QWidget, *, whole_row: bool = False
    ) -> None:
        """Add a row with ``place``, the widget that contains ``control``, which gets the title.

        With ``whole_row``, the widget stands below the title, in the whole width.
        """
        label = QLabel(title)
        label.setProperty("role", "caption")
        label.setBuddy(control)
        label.setToolTip(control.toolTip())
        control.setAccessibleName(title)
        row = self._form.rowCount()
        top = isinstance(place, QPlainTextEdit | SeedField | StructureField)
        if top:
            label.setContentsMargins(0, SPACE - 2, 0, 0)
        self._form.addWidget(
            label, row, 0, Qt.AlignmentFlag.AlignTop if top else Qt.AlignmentFlag.AlignVCenter
        )
        if whole_row:
            self._form.addWidget(place, row + 1, 0, 1, 2)
        else:
            self._form.addWidget(place, row, 1)

    def _make_stop(self) -> None:
        self._stop.setToolTip(
            self.tr(
                "A run ends before any of these strings; write one per line.\n"
                "\\n is a line break, \\t a tab, \\\\ a backslash."
            )
        )
        self._stop.setPlaceholderText(self.tr("one per line"))
        self._stop.setTabChangesFocus(True)
        lines = self._stop.fontMetrics().lineSpacing() * _STOP_LINES
        self._stop.setFixedHeight(lines + 2 * SPACE + 4)
        self._stop.setSizePolicy(self._seed.edit.sizePolicy())
        self._stop.textChanged.connect(
            lambda: self._change("stop", read_stop_strings(self._stop.toPlainText()))
        )

    # User actions

    def _change(self, name: str, value: Any) -> None:
        try:
            sampling = replace(self._session.recipe.sampling, **{name: value})
        except SettingsError as error:
            self._say(str(error))
        else:
            self._say("")
            self._session.set_sampling(sampling)

    def _change_structure(self, kind: str, text: str) -> None:
        usual = self._session.recipe.sampling
        try:
            sampling = replace(usual, structure=kind, structure_text=text)
            check_structure(sampling)
        except SettingsError as error:
            self._say(str(error))
        else:
            self._say("")
            self._session.set_sampling(sampling)

    def _say(self, error: str) -> None:
        self._error.setText(error)
        self._error.setVisible(bool(error))

    def _preset(self) -> dict[str, Any]:
        """The settings that a preset saves."""
        values = asdict(self._session.recipe.sampling)
        del values["seed"], values["logit_bias"]  # ids belong to one vocabulary
        return values

    def _take_preset(self, saved: object) -> None:
        """Use a saved preset; settings that it does not have stay."""
        usual = self._preset()
        values = saved if isinstance(saved, dict) else {}
        known = {key: value for key, value in values.items() if key in usual}
        if isinstance(stop := known.get("stop"), list):
            known["stop"] = tuple(map(str, stop))
        try:
            sampling = replace(self._session.recipe.sampling, **known)
        except (SettingsError, TypeError) as error:
            self._say(str(error))
        else:
            self._session.set_sampling(sampling)

    def _reset(self) -> None:
        self._session.reset_sampling()
        self._structure.reset(self._session.recipe.sampling)
        self._shown = None  # forces an update: a refused value may still be in its field
        self._update()

    def _open(self, opened: bool) -> None:
        self._body.setVisible(opened)

    # Updates from the session

    def _update(self) -> None:
        recipe, shown = self._session.recipe, self._shown
        sampling = recipe.sampling
        self._limit_to_server(recipe)
        if shown and (sampling, recipe.new_seeds) == (shown.sampling, shown.new_seeds):
            return
        self._shown = recipe
        for name, box in self._boxes.items():
            box.show_value(getattr(sampling, name))
        self._seed.show_seed()
        self._structure.show_structure(sampling)
        self._policy.show_policy(sampling.alpha_policy)
        if read_stop_strings(self._stop.toPlainText()) != sampling.stop:
            with QSignalBlocker(self._stop):
                self._stop.setPlainText(write_stop_strings(sampling.stop))
        summary = self._summary(recipe)
        self._header.show_text(summary)
        edit = self.tr("Click to show or hide the sampling settings.")
        self._header.setToolTip(f"{summary}\n{edit}")
        self._header.setAccessibleName(self.tr("Sampling: {0}").format(summary))

    def _limit_to_server(self, recipe: Recipe) -> None:
        """Disable what cannot be asked of a server that tunes, once it is off."""
        tuned, sampling = recipe.base.tuned, recipe.sampling
        why_not = self.tr("Cannot be had from a server that tunes the base.") if tuned else ""
        constant = parse_policy(sampling.alpha_policy).is_constant
        self._structure.setEnabled(not tuned or sampling.structured)
        self._policy.setEnabled(not (tuned and constant))
        for kind, tip in self._tips.items():
            kind.setToolTip("\n".join(filter(None, (why_not, tip))))

    def _summary(self, recipe: Recipe) -> str:
        text = self._sampling_summary(recipe)
        excluded = sum(added == -MAX_BIAS for _, added in recipe.sampling.logit_bias)
        if excluded:
            text = self.tr("{0} · excluded tokens: {1}").format(text, f"{excluded:,}")
        parts = [text]
        if recipe.sampling.structured:
            parts.append(self._structure.kind.currentText())
        if not parse_policy(recipe.sampling.alpha_policy).is_constant:
            parts.append(self.tr("α {0}").format(self._policy.kind.currentText()))
        return " · ".join(parts)

    def _sampling_summary(self, recipe: Recipe) -> str:
        sampling = recipe.sampling
        if sampling.greedy:
            return self.tr("greedy · {0} tokens").format(sampling.max_new_tokens)
        if recipe.new_seeds:
            return self.tr("temp. {0:g} · top-p {1:g} · new seeds").format(
                sampling.temperature, sampling.top_p
            )
        return self.tr("temp. {0:g} · top-p {1:g} · seed {2}").format(
            sampling.temperature, sampling.top_p, sampling.seed
        )
