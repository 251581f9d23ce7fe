"""Tests of saving and restoring display settings."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QSettings
from pytestqt.qtbot import QtBot

from app.attribution.measures import Measure, Unit
from app.attribution.plot_measure import PlotMeasure
from app.attribution.plot_parts import ENTROPY, KL, TUNED, pair_part
from app.attribution.tint_scale import Tint, TintScale
from app.ui.state.display import Display
from app.ui.state.runs.token_groups import Grouping


def memory(folder: Path) -> QSettings:
    return QSettings(str(folder / "window.ini"), QSettings.Format.IniFormat)


def test_all_settings_are_restored(tmp_path: Path, qapp: object) -> None:
    before = Display()
    before.set_tint(Tint(Measure.CONTRIBUTION, 1))
    before.set_tint_scale(Measure.KL, TintScale(Unit.NATS, 2.5))
    before.set_difference_scale(TintScale(Unit.NATS, automatic=True))
    before.set_grouping(Grouping.SENTENCE)
    before.set_plot_measures(PlotMeasure.LOG_PROBABILITY, PlotMeasure.RANK)
    before.set_plot_unit(Unit.NATS)
    before.show_part(KL, True)
    before.show_part(pair_part("A, b: “c”"), False)
    before.remember(memory(tmp_path))
    after = Display()
    after.restore(memory(tmp_path))
    assert (after.tint, after.grouping) == (before.tint, before.grouping)
    assert after.plot_measures == (PlotMeasure.LOG_PROBABILITY, PlotMeasure.RANK)
    assert after.tint_scales == before.tint_scales
    assert after.difference_scale == TintScale(Unit.NATS, automatic=True)
    assert after.plot_unit is Unit.NATS
    assert after.hidden == before.hidden


NAMES = ["two words", 'A, b: “c”; "d"', "[1]", "ids", "a\\nb", "한국어", "{}", "a\nb"]


@pytest.mark.parametrize("name", NAMES)
def test_a_pair_of_any_name_stays_hidden(name: str, tmp_path: Path, qapp: object) -> None:
    before, after = Display(), Display()
    before.toggle_candidate_column("ranks")
    before.toggle_candidate_column(pair_part(name))
    before.show_part(pair_part(name), False)
    before.remember(memory(tmp_path))
    after.restore(memory(tmp_path))
    assert after.candidate_columns == {"ranks", pair_part(name)}
    assert after.hidden == {KL, ENTROPY, pair_part(name)}


def test_what_an_earlier_version_hid_is_restored(tmp_path: Path, qapp: object) -> None:
    store = memory(tmp_path)
    store.setValue("candidates/columns", "ids pair-0 ranks")
    store.setValue("plot/hidden", "kl\npair:Plain style")
    display = Display()
    display.restore(store)
    assert display.candidate_columns == {"ids", "ranks"}
    assert display.hidden == {KL, pair_part("Plain style")}


def test_an_empty_set_of_hidden_parts_is_restored(tmp_path: Path, qapp: object) -> None:
    before = Display()
    for part in before.hidden:
        before.show_part(part, True)
    before.remember(memory(tmp_path))
    after = Display()
    after.restore(memory(tmp_path))
    assert after.hidden == frozenset()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("tint", "mood:1"),
        ("tint", "contribution:x"),
        ("grouping", "page"),
        ("plot/measures", "kl mood"),
        ("plot/unit", "x"),
    ],
)
def test_unknown_saved_values_are_ignored(
    tmp_path: Path, qapp: object, key: str, value: str
) -> None:
    settings = memory(tmp_path)
    settings.setValue(key, value)
    display = Display()
    display.restore(settings)
    assert display.tint.pair == 0
    assert display.grouping is Grouping.TOKEN
    assert display.hidden == Display().hidden
    assert display.plot_measures == Display().plot_measures
    assert display.plot_unit is Unit.BITS


def test_only_changes_are_announced(qapp: object, qtbot: QtBot) -> None:
    display = Display()
    heard: list[str] = []
    display.tint_changed.connect(lambda: heard.append("tint"))
    display.plot_changed.connect(lambda: heard.append("plot"))
    display.set_tint(Tint())
    display.set_grouping(Grouping.TOKEN)
    display.set_plot_measures(PlotMeasure.PROBABILITY)
    display.set_plot_unit(Unit.BITS)
    display.show_part(TUNED, True)
    assert heard == []
    display.show_part(TUNED, False)
    display.set_grouping(Grouping.WORD)
    assert heard == ["plot", "tint"]
