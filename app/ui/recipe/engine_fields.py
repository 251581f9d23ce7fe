"""The form fields of a role's engine, for GGUF files: engine, layers on the GPU, KV cache."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QFormLayout, QHBoxLayout, QLabel, QWidget

from app.checkpoints.engine_choice import EXTRA, engine_of, would_suit_llama
from app.checkpoints.engine_options import (
    ALL,
    AS_MANY_AS_FIT,
    KV_CACHE_TYPES,
    LLAMA_CPP,
    TRANSFORMERS,
)
from app.checkpoints.spec import CheckpointSpec
from app.extras import install_hint
from app.ui.theme import SPACE
from app.ui.translation import translate
from app.ui.widgets.form_controls import ChoiceBox, NumberBox, choice_of

_NONE, _NUMBER = "0", "number"
_MOST_LAYERS = 9999


class EngineFields(QObject):
    """Rows of a form that edit the engine of one role and its options.

    Args:
        form: The form to which the rows are added.

    Attributes:
        device_row: The row of the form where the device belongs, before the layers on a GPU.
    """

    changed = Signal()

    def __init__(self, form: QFormLayout, parent: QObject) -> None:
        super().__init__(parent)
        self._form = form
        names = (LLAMA_CPP, TRANSFORMERS)
        self.engine = choice_of({"auto": self.tr("auto"), **{name: name for name in names}}, "auto")
        self.layers = choice_of(
            {
                AS_MANY_AS_FIT: self.tr("as many as fit"),
                ALL: self.tr("all"),
                _NONE: self.tr("none"),
                _NUMBER: self.tr("a number"),
            },
            AS_MANY_AS_FIT,
        )
        self.layer_count = NumberBox(1, _MOST_LAYERS, 1, 0)
        self.kv_cache = choice_of({name: name for name in KV_CACHE_TYPES}, KV_CACHE_TYPES[1])
        self._hint = QLabel()
        self._hint.setProperty("role", "caption")
        self._hint.setTextFormat(Qt.TextFormat.PlainText)
        self._hint.setWordWrap(True)
        form.addRow(self.tr("&Engine"), self.engine)
        form.addRow("", self._hint)
        self.device_row = form.rowCount()
        self._layers_row = _side_by_side(self.layers, self.layer_count)
        label = QLabel(self.tr("&Layers on the GPU"))
        label.setBuddy(self.layers)
        form.addRow(label, self._layers_row)
        form.addRow(self.tr("&KV cache"), self.kv_cache)
        self._name_all()
        self.engine.currentIndexChanged.connect(self.changed)
        self.layers.currentIndexChanged.connect(self._show_layer_count)
        self._show_layer_count()

    @property
    def controls(self) -> tuple[ChoiceBox, ...]:
        """The controls, in their order in the form."""
        return self.engine, self.layers, self.kv_cache

    def show_spec(self, spec: CheckpointSpec) -> None:
        """Show the options of a role."""
        layers = str(spec.gpu_layers)
        if self.layers.findData(layers) < 0:
            self.layer_count.show_value(int(layers))
            layers = _NUMBER
        for box, value in (
            (self.engine, spec.engine),
            (self.layers, layers),
            (self.kv_cache, spec.kv_cache),
        ):
            box.setCurrentIndex(box.findData(value))

    def applied_to(self, spec: CheckpointSpec) -> CheckpointSpec:
        """``spec`` with the options as edited."""
        layers: str = self.layers.currentData()
        return replace(
            spec,
            engine=self.engine.currentData(),
            gpu_layers=_layers_of(layers, int(self.layer_count.value())),
            kv_cache=self.kv_cache.currentData(),
        )

    def update(self, spec: CheckpointSpec) -> None:
        """Show the rows that matter for a role as edited."""
        by_llama = spec.is_gguf and engine_of(spec) == LLAMA_CPP
        hint = self._hint_for(spec)
        self._hint.setText(hint)
        self._form.setRowVisible(self._hint, bool(hint))
        self._form.setRowVisible(self.engine, spec.is_gguf)
        for control in (self._layers_row, self.kv_cache):
            self._form.setRowVisible(control, by_llama)

    def _hint_for(self, spec: CheckpointSpec) -> str:
        """What ``auto`` means for the role; empty for another engine."""
        if not spec.is_gguf or spec.engine != "auto":
            return ""
        if would_suit_llama(spec):
            return what_llama_would_bring()
        if engine_of(spec) == LLAMA_CPP:
            return self.tr(
                "llama.cpp reads this file. With a dtype, a quantization or offload, "
                "transformers reads it."
            )
        return self.tr(
            "transformers reads this file, because llama.cpp has no dtype, quantization or "
            "offload and cannot apply an adapter of safetensors."
        )

    def _show_layer_count(self) -> None:
        self.layer_count.setVisible(self.layers.currentData() == _NUMBER)

    def _name_all(self) -> None:
        about_layers = self.tr("Without a GPU that llama.cpp can use, this has no effect.")
        for control, name, about in (
            (
                self.engine,
                self.tr("Engine"),
                self.tr("auto: llama.cpp, which keeps the file quantized, where it is installed."),
            ),
            (self.layers, self.tr("Layers on the GPU"), about_layers),
            (self.layer_count, self.tr("Number of layers on the GPU"), about_layers),
            (
                self.kv_cache,
                self.tr("KV cache"),
                self.tr("Fewer bits: less memory for long texts, slightly less accurate."),
            ),
        ):
            control.setAccessibleName(name)
            control.setToolTip(about)


def _layers_of(chosen: str, count: int) -> int | str:
    """The layers on the GPU as a recipe has them."""
    if chosen == _NUMBER:
        return count
    return 0 if chosen == _NONE else chosen


def _side_by_side(first: QWidget, second: QWidget) -> QWidget:
    """A field of a form that consists of two controls."""
    field = QWidget()
    row = QHBoxLayout(field)
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(SPACE)
    row.addWidget(first, 1)
    row.addWidget(second)
    return field


def what_llama_would_bring() -> str:
    """One line for a GGUF file that is converted because llama.cpp is not installed."""
    return translate(
        "EngineFields",
        "With llama.cpp this file would stay quantized: less memory, and faster. {0}",
    ).format(install_hint(EXTRA))
