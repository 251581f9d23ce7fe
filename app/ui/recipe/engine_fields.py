"""The form fields of a role's engine, for GGUF files: engine, layers on the GPU, KV cache."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QFormLayout, QLabel

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
from app.ui.translation import translate
from app.ui.widgets.form_controls import ChoiceBox, choice_of


class EngineFields(QObject):
    """Rows of a form that edit the engine of one role and its options.

    Args:
        form: The form to which the rows are added.
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
                "0": self.tr("none"),
            },
            AS_MANY_AS_FIT,
        )
        self.kv_cache = choice_of({name: name for name in KV_CACHE_TYPES}, KV_CACHE_TYPES[1])
        self._hint = QLabel()
        self._hint.setProperty("role", "caption")
        self._hint.setTextFormat(Qt.TextFormat.PlainText)
        self._hint.setWordWrap(True)
        form.addRow(self.tr("&Engine"), self.engine)
        form.addRow("", self._hint)
        form.addRow(self.tr("&Layers on the GPU"), self.layers)
        form.addRow(self.tr("&KV cache"), self.kv_cache)
        self._name_all()
        self.engine.currentIndexChanged.connect(self.changed)

    @property
    def controls(self) -> tuple[ChoiceBox, ...]:
        """The controls, in their order in the form."""
        return self.engine, self.layers, self.kv_cache

    def show_spec(self, spec: CheckpointSpec) -> None:
        """Show the options of a role."""
        layers = str(spec.gpu_layers)
        if self.layers.findData(layers) < 0:
            self.layers.addItem(layers, layers)
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
            gpu_layers=int(layers) if layers.isdecimal() else layers,
            kv_cache=self.kv_cache.currentData(),
        )

    def update(self, spec: CheckpointSpec) -> None:
        """Show the rows that matter for a role as edited."""
        by_llama = spec.is_gguf and engine_of(spec) == LLAMA_CPP
        hint = what_llama_would_bring() if would_suit_llama(spec) else ""
        self._hint.setText(hint)
        self._form.setRowVisible(self._hint, bool(hint))
        self._form.setRowVisible(self.engine, spec.is_gguf)
        for control in (self.layers, self.kv_cache):
            self._form.setRowVisible(control, by_llama)

    def _name_all(self) -> None:
        for control, name, about in (
            (
                self.engine,
                self.tr("Engine"),
                self.tr("auto: llama.cpp, which keeps the file quantized, where it is installed."),
            ),
            (
                self.layers,
                self.tr("Layers on the GPU"),
                self.tr("Without a GPU that llama.cpp can use, this has no effect."),
            ),
            (
                self.kv_cache,
                self.tr("KV cache"),
                self.tr("Fewer bits: less memory for long texts, slightly less accurate."),
            ),
        ):
            control.setAccessibleName(name)
            control.setToolTip(about)


def what_llama_would_bring() -> str:
    """One line for a GGUF file that is converted because llama.cpp is not installed."""
    return translate(
        "EngineFields",
        "With llama.cpp this file would stay quantized: less memory, and faster. {0}",
    ).format(install_hint(EXTRA))
