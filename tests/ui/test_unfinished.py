"""A recipe whose roles do not go together yet: calm, with candidates, and nothing is lost."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QSettings
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot
from tokenizers import Tokenizer

from app.checkpoints.spec import SHARED, Recipe
from app.engine.commands import Load
from app.settings import Settings
from app.ui.main_window import MainWindow
from app.ui.models.memory_bar import MemoryBar
from app.ui.models.memory_dialog import show_memory
from app.ui.problem_banner import ProblemBanner
from app.ui.recipe.pair_card import PairCard
from app.ui.recipe.role_picker import RolePicker
from app.ui.recipe.unfinished_bar import UnfinishedBar
from app.ui.recipe.vocabulary_view import VocabularyLine, show_vocabulary
from app.ui.state.session import LoadState, Session
from app.ui.widgets.form_controls import ChoiceBox
from tests import tiny
from tests.ui.conftest import EngineBridge

pytestmark = [pytest.mark.window, pytest.mark.slow]

BASE, SMALL, TUNED = "Big-1B", "Big-0.1B", "Big-0.1B-Instruct"
OTHER = "Other-1B"
PROMPT = "the king said"


@pytest.fixture(scope="module")
def family(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a large base, a small pair, and a base of another family."""
    root = tmp_path_factory.mktemp("family")

    def save(name: str, layers: int, tokenizer: Tokenizer) -> None:
        config = tiny.ARCHITECTURES["llama"](tiny.VOCABULARY)
        config.num_hidden_layers = layers
        tiny.save(tiny.random_model(config, len(name)), root / name, tokenizer)

    save(BASE, 3, tiny.make_tokenizer())
    save(SMALL, 2, tiny.make_tokenizer())
    save(TUNED, 2, tiny.make_tokenizer())
    save(OTHER, 2, tiny.make_metaspace_tokenizer())
    return root


@pytest.fixture(autouse=True)
def no_folder_is_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture
def engine(qapp: object) -> EngineBridge:
    return EngineBridge()


@pytest.fixture
def demo(recipe: Recipe) -> Recipe:
    """The shipped models, with one pair."""
    sampling = replace(recipe.sampling, max_new_tokens=6, seed=3)
    return replace(recipe, pairs=recipe.pairs[:1], sampling=sampling)


@pytest.fixture
def session(engine: EngineBridge, demo: Recipe) -> Iterator[Session]:
    session = Session(engine, demo, Settings(prove_models=False))  # type: ignore[arg-type]
    session.load()
    engine.ready()
    engine.work()
    assert session.load_state is LoadState.LOADED
    yield session
    session.local_models.close()
    assert session.local_models.join(60)


@pytest.fixture
def window(session: Session, tmp_path: Path, qtbot: QtBot) -> MainWindow:
    store = QSettings(str(tmp_path / "window.ini"), QSettings.Format.IniFormat)
    window = MainWindow(session, store)
    qtbot.addWidget(window)
    window.show()
    return window


def choose(window: MainWindow, role: str, path: Path) -> None:
    pickers = window.findChildren(RolePicker)
    picker = next(p for p in pickers if p.findChild(ChoiceBox).accessibleName() == role)
    picker.choose_path(str(path))


def bar(window: MainWindow) -> UnfinishedBar:
    return window.findChild(UnfinishedBar)


def offers(window: MainWindow, session: Session, qtbot: QtBot) -> list[str]:
    qtbot.waitUntil(lambda: not session.local_models.searching, timeout=60_000)
    return [button.text() for button in bar(window).offers]


def generate_action(window: MainWindow) -> QAction:
    return next(action for action in window.findChildren(QAction) if action.text() == "Generate")


def generated(session: Session, engine: EngineBridge) -> tuple[int, ...]:
    session.runs.generate(PROMPT)
    engine.work()
    assert session.runs.current is not None
    return session.runs.current.token_ids


def test_another_base_is_read_by_its_bytes_and_its_own_experts_are_offered(
    window: MainWindow, session: Session, engine: EngineBridge, family: Path, qtbot: QtBot
) -> None:
    choose(window, "Base", family / BASE)
    engine.work()
    assert session.load_state is LoadState.LOADED
    assert session.problem is None
    assert f"“Shakespeare” has another tokenizer than {BASE}" in bar(window).message
    line = window.findChild(VocabularyLine).accessibleName()
    assert re.fullmatch(r"Other tokenizer: \d+% of English exactly", line)
    assert generate_action(window).isEnabled()
    assert len(generated(session, engine)) == 6
    assert offers(window, session, qtbot)[0] == f"expert {TUNED}, anti-expert {SMALL}"
    bar(window).offers[0].click()
    engine.work()
    assert session.load_state is LoadState.LOADED
    assert bar(window).message == ""
    sources = [Path(spec.source).name for spec in session.recipe.checkpoints()]
    assert sources == [BASE, TUNED, SMALL]
    assert session.recipe.pairs[0].name == TUNED
    assert len(generated(session, engine)) == 6
    session.undo_stack.undo()  # both models are one change
    assert session.recipe.pairs[0].expert.source == "builtin:demo/shakespeare"


def test_a_pair_of_another_tokenizer_can_be_kept(
    window: MainWindow, session: Session, engine: EngineBridge, family: Path
) -> None:
    choose(window, "Base", family / BASE)
    engine.work()
    assert bar(window).keep.isVisible()
    bar(window).keep.click()
    assert bar(window).message == ""
    session.set_alpha(0, 2.0)
    session.load()
    engine.work()
    assert bar(window).message == ""  # not asked again for these models
    choose(window, "Base", family / OTHER)
    engine.work()
    assert f"another tokenizer than {OTHER}" in bar(window).message
    session.open_recipe(replace(session.recipe, name="mine"))
    assert bar(window).message == ""  # a recipe that was opened so is as its author wanted it


def test_a_pair_without_partners_can_be_removed(
    window: MainWindow, session: Session, engine: EngineBridge, family: Path, qtbot: QtBot
) -> None:
    session.add_pair()
    engine.work()
    choose(window, "Base", family / BASE)
    engine.work()
    assert bar(window).remove.text() == "Remove the pair “Shakespeare”"
    assert offers(window, session, qtbot)
    bar(window).offers[0].click()
    engine.work()
    assert "“Pair 2” has another tokenizer" in bar(window).message
    bar(window).remove.click()
    engine.work()
    assert session.load_state is LoadState.LOADED
    assert bar(window).message == ""
    assert [pair.name for pair in session.recipe.pairs] == [TUNED]


def test_half_a_pair_is_a_draft_and_asks_for_the_other_half(
    window: MainWindow, session: Session, engine: EngineBridge, family: Path, qtbot: QtBot
) -> None:
    loaded = engine.engine._loaded
    choose(window, "expert of Shakespeare", family / TUNED)
    engine.work()
    assert session.unfinished
    assert f"Choose an anti-expert for {TUNED}." in bar(window).message
    assert session.problem is None
    assert window.findChild(ProblemBanner).isHidden()
    assert not generate_action(window).isEnabled()
    assert "complete the recipe" in generate_action(window).toolTip()
    assert engine.engine._loaded is loaded  # nothing was loaded, and nothing is lost
    assert offers(window, session, qtbot)[0] == f"anti-expert {SMALL}"
    assert f"base {BASE}, anti-expert {SMALL}" in offers(window, session, qtbot)
    bar(window).offers[0].click()
    engine.work()
    assert session.load_state is LoadState.LOADED
    assert f"“{TUNED}” has another tokenizer" in bar(window).message


def test_a_recipe_that_asks_for_one_vocabulary_asks_for_a_base(
    window: MainWindow, session: Session, engine: EngineBridge, family: Path, qtbot: QtBot
) -> None:
    session.set_vocabulary(SHARED)
    engine.work()
    choose(window, "expert of Shakespeare", family / TUNED)
    engine.work()
    assert f"Choose a base and an anti-expert for {TUNED}." in bar(window).message
    assert offers(window, session, qtbot)[0] == f"base {BASE}, anti-expert {SMALL}"
    bar(window).offers[0].click()
    engine.work()
    assert session.load_state is LoadState.LOADED
    assert bar(window).message == ""


def test_going_back_takes_no_load_and_changes_no_token(
    window: MainWindow, session: Session, engine: EngineBridge, family: Path, demo: Recipe
) -> None:
    before = generated(session, engine)
    for leave in (session.undo_stack.undo, bar(window).back.click):
        choose(window, "expert of Shakespeare", family / TUNED)
        engine.work()
        assert session.unfinished
        assert session.model is not None  # the API server still has them
        assert session.model.recipe == demo
        loads = sum(isinstance(command, Load) for command in engine.commands)
        leave()
        assert session.recipe == demo
        assert session.load_state is LoadState.LOADED
        assert sum(isinstance(command, Load) for command in engine.commands) == loads
        assert window.findChild(VocabularyLine).accessibleName() == "Vocabulary: identical"
        assert generated(session, engine) == before


def test_a_run_that_waits_for_the_check_is_not_made_by_the_models_before(
    window: MainWindow, session: Session, engine: EngineBridge, family: Path
) -> None:
    choose(window, "expert of Shakespeare", family / TUNED)
    session.runs.generate(PROMPT)  # the check has not been answered yet
    run = session.runs.current
    assert run is not None
    assert run.recipe.pairs[0].expert.source.endswith(TUNED)
    engine.work()
    assert session.unfinished
    assert (run.failed, run.tokens) == (True, [])
    assert not session.runs.running
    session.runs.generate(PROMPT)
    assert not session.runs.running


def test_a_damaged_model_is_an_error_and_not_unfinished(
    window: MainWindow, session: Session, engine: EngineBridge, family: Path, tmp_path: Path
) -> None:
    broken = shutil.copytree(family / BASE, tmp_path / "broken")
    next(broken.glob("*.safetensors")).write_bytes(b"no weights")
    choose(window, "Base", broken)
    engine.work()
    assert session.load_state is LoadState.FAILED
    assert bar(window).message == ""
    assert session.problem is not None
    choose(window, "Base", family / OTHER)
    engine.work()
    assert session.load_state is LoadState.LOADED
    assert session.problem is None


def test_the_lines_do_not_show_the_check_of_other_models(
    window: MainWindow, session: Session, engine: EngineBridge, family: Path
) -> None:
    line, memory = window.findChild(VocabularyLine), window.findChild(MemoryBar)
    reports = show_vocabulary(session, window), show_memory(session, window)
    assert line.accessibleName() == "Vocabulary: identical"
    assert "MB" in memory.captions[0]
    choose(window, "expert of Shakespeare", family / TUNED)  # the check has not been answered yet
    assert line.accessibleName() == "Vocabulary: being compared …"
    assert memory.captions == ["Memory: being estimated …"]
    words = [label.text() for report in reports for label in report.findChildren(QLabel)]
    assert not reports[0].roles.isVisible()
    assert "Vocabulary: being compared …" in words
    assert "The memory is being estimated …" in words
    engine.work()
    assert line.accessibleName() == "Vocabulary: not shared yet"
    assert line.property("role") == "link"
    assert "MB" in memory.captions[0]


def test_without_a_candidate_the_bar_says_so(
    window: MainWindow, session: Session, engine: EngineBridge, family: Path, qtbot: QtBot
) -> None:
    alone = shutil.copytree(family / OTHER, family.parent / "alone" / OTHER, dirs_exist_ok=True)
    for role, said in (
        ("expert of Shakespeare", "No model on this disk goes with it."),
        ("Base", "No model on this disk has the same tokenizer."),
    ):
        choose(window, role, alone)
        engine.work()
        assert offers(window, session, qtbot) == []
        assert said in [label.text() for label in bar(window).findChildren(QLabel)]
        session.undo_stack.undo()
        engine.work()


def test_a_pair_of_one_model_says_that_it_does_nothing(
    window: MainWindow, session: Session, engine: EngineBridge
) -> None:
    card = window.findChild(PairCard)
    assert card._notice.isHidden()
    session.set_source(1, "builtin:demo/antiexpert")
    engine.work()
    assert card._notice.isVisible()
    assert "does nothing" in card._notice.text()
    assert session.load_state is LoadState.LOADED
