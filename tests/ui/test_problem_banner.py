"""Tests of the problem banner: download of missing models, and return to the last recipe."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QPushButton
from pytestqt.qtbot import QtBot

from app.checkpoints.spec import CheckpointSpec, Recipe
from app.engine.commands import Check, Load
from app.engine.events import Checked, Failed
from app.errors import CheckpointError, HubError, NotDownloadedError
from app.ui.problem_banner import ProblemBanner
from app.ui.state.session import Session
from app.ui.widgets.message_label import MessageLabel
from tests.ui.conftest import FakeBridge, invent_preflight
from tests.ui.fake_hub import FakeHub
from tests.ui.models.test_hub_dialog import different

BASE, EXPERT, ANTI = "owner/base", "owner/expert", "owner/anti"


@pytest.fixture
def hub_recipe(recipe: Recipe) -> Recipe:
    pair = replace(
        recipe.pairs[0],
        expert=CheckpointSpec(f"hub:{EXPERT}"),
        antiexpert=CheckpointSpec(f"hub:{ANTI}"),
    )
    base = CheckpointSpec(f"hub:{BASE}")
    return replace(recipe, name="From the Hub", base=base, pairs=(pair,))


@pytest.fixture
def banner(qtbot: QtBot, loaded_session: Session, fake_hub: FakeHub) -> Iterator[ProblemBanner]:
    for name in (BASE, EXPERT, ANTI):
        fake_hub.add(name, 1_000_000_000)
    banner = ProblemBanner(loaded_session)
    qtbot.addWidget(banner)
    yield banner
    loaded_session.downloads.close()
    assert loaded_session.downloads.join(60)


def fail_load(bridge: FakeBridge, error: Exception) -> None:
    command = bridge.last(Load)
    assert isinstance(command, Load)
    bridge.events.emit([Failed(command.id, error)])


def open_missing(qtbot: QtBot, session: Session, bridge: FakeBridge, recipe: Recipe) -> None:
    """Open a recipe whose base is not downloaded, and wait for the download button."""
    session.open_recipe(recipe)
    fail_load(bridge, NotDownloadedError(f"hub:{BASE}"))


def click(qtbot: QtBot, button: QPushButton) -> None:
    assert button.isVisible()
    assert button.isEnabled()
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def offered(qtbot: QtBot, banner: ProblemBanner, text: str) -> None:
    qtbot.waitUntil(lambda: banner.download.text() == text and banner.download.isEnabled())


def wait_for_check(qtbot: QtBot, bridge: FakeBridge) -> Check:
    qtbot.waitUntil(lambda: any(isinstance(command, Check) for command in bridge.commands))
    command = bridge.last(Check)
    assert isinstance(command, Check)
    return command


def loads(bridge: FakeBridge) -> int:
    return sum(isinstance(command, Load) for command in bridge.commands)


def test_missing_models_are_downloaded_and_the_recipe_is_loaded(
    qtbot: QtBot,
    banner: ProblemBanner,
    session: Session,
    bridge: FakeBridge,
    fake_hub: FakeHub,
    hub_recipe: Recipe,
) -> None:
    fake_hub.cache(ANTI)
    open_missing(qtbot, session, bridge, hub_recipe)
    offered(qtbot, banner, "Download 2 models …")
    assert fake_hub.online == []
    click(qtbot, banner.download)
    offered(qtbot, banner, "Download 2 models (2.0 GB)")
    click(qtbot, banner.download)
    check = wait_for_check(qtbot, bridge)
    assert banner.download.text() == "Comparing vocabularies …"
    assert not banner.download.isEnabled()
    assert [asked for asked in fake_hub.online if asked[0] == "fetch_metadata"] == [
        ("fetch_metadata", BASE),
        ("fetch_metadata", EXPERT),
    ]
    assert fake_hub.transfers == []
    before = loads(bridge)
    bridge.events.emit([Checked(check.id, invent_preflight(check.recipe))])
    assert not banner.isVisible()
    for count in (1, 2):
        qtbot.waitUntil(lambda count=count: len(fake_hub.transfers) == count)
        assert loads(bridge) == before
        fake_hub.transfers[-1].finish()
    qtbot.waitUntil(lambda: loads(bridge) == before + 1)
    command = bridge.last(Load)
    assert isinstance(command, Load)
    assert command.recipe.hub_sources() == (f"hub:{BASE}", f"hub:{EXPERT}", f"hub:{ANTI}")


@pytest.mark.parametrize(
    ("weights", "text", "large"),
    [
        (164_900_000_000, "Download 3 models anyway (164.9 GB)", True),
        (3_000_000_000, "Download 3 models (about 3.0 GB)", False),
    ],
)
def test_models_that_are_too_large_are_not_the_main_button(
    qtbot: QtBot,
    banner: ProblemBanner,
    session: Session,
    bridge: FakeBridge,
    hub_recipe: Recipe,
    weights: int,
    text: str,
    large: bool,
) -> None:
    session.machine_memory = 24_000_000_000
    open_missing(qtbot, session, bridge, replace(hub_recipe, download_bytes=weights))
    offered(qtbot, banner, text)
    assert (banner.download.property("role") != "primary") == large
    warning = banner.findChildren(MessageLabel)[1]
    assert warning.isVisible() == large
    said = "the weights take about 164.9 GB, and its memory has 24.0 GB"
    assert (said in warning.message) == large


def test_models_that_the_hub_says_are_too_large_are_not_the_main_button(
    qtbot: QtBot,
    banner: ProblemBanner,
    session: Session,
    bridge: FakeBridge,
    fake_hub: FakeHub,
    hub_recipe: Recipe,
) -> None:
    session.machine_memory = 24_000_000_000
    fake_hub.add(BASE, 38_000_000_000)
    open_missing(qtbot, session, bridge, hub_recipe)
    offered(qtbot, banner, "Download 3 models …")
    assert banner.download.property("role") == "primary"
    click(qtbot, banner.download)
    offered(qtbot, banner, "Download 3 models anyway (40.0 GB)")
    assert banner.download.property("role") != "primary"
    click(qtbot, banner.download)
    wait_for_check(qtbot, bridge)


def test_the_download_size_of_a_recipe_is_shown_without_network(
    qtbot: QtBot,
    banner: ProblemBanner,
    session: Session,
    bridge: FakeBridge,
    fake_hub: FakeHub,
    hub_recipe: Recipe,
) -> None:
    open_missing(qtbot, session, bridge, replace(hub_recipe, download_bytes=3_000_000_000))
    offered(qtbot, banner, "Download 3 models (about 3.0 GB)")
    assert fake_hub.online == []
    click(qtbot, banner.download)
    wait_for_check(qtbot, bridge)


def test_different_vocabularies_stop_before_weights_are_downloaded(
    qtbot: QtBot,
    banner: ProblemBanner,
    session: Session,
    bridge: FakeBridge,
    fake_hub: FakeHub,
    hub_recipe: Recipe,
) -> None:
    open_missing(qtbot, session, bridge, replace(hub_recipe, download_bytes=1))
    qtbot.waitUntil(banner.download.isVisible)
    click(qtbot, banner.download)
    check = wait_for_check(qtbot, bridge)
    bridge.events.emit([Checked(check.id, different(invent_preflight(check.recipe), 2))])
    assert "60 of 100 tokens differ" in banner.accessibleDescription()
    assert fake_hub.transfers == []


def test_a_gated_model_is_reported_with_its_link_and_can_be_retried(
    qtbot: QtBot,
    banner: ProblemBanner,
    session: Session,
    bridge: FakeBridge,
    fake_hub: FakeHub,
    hub_recipe: Recipe,
) -> None:
    open_missing(qtbot, session, bridge, replace(hub_recipe, download_bytes=1))
    qtbot.waitUntil(banner.download.isVisible)
    link = f"https://huggingface.co/{BASE}"
    fake_hub.errors["fetch_metadata"] = HubError("It is gated", next_step=f"Open {link}.")
    click(qtbot, banner.download)
    qtbot.waitUntil(lambda: link in banner.accessibleDescription())
    offered(qtbot, banner, "Download 3 models (3.0 GB)")
    del fake_hub.errors["fetch_metadata"]
    click(qtbot, banner.download)
    wait_for_check(qtbot, bridge)


def test_too_little_disk_space_is_reported_before_the_first_download(
    qtbot: QtBot,
    banner: ProblemBanner,
    session: Session,
    bridge: FakeBridge,
    fake_hub: FakeHub,
    hub_recipe: Recipe,
) -> None:
    fake_hub.disk = 2_500_000_000
    open_missing(qtbot, session, bridge, hub_recipe)
    offered(qtbot, banner, "Download 3 models …")
    click(qtbot, banner.download)
    qtbot.waitUntil(lambda: "needed 3.0 GB, free 2.5 GB" in banner.accessibleDescription())


def test_the_download_button_returns_after_cancelling(
    qtbot: QtBot,
    banner: ProblemBanner,
    session: Session,
    bridge: FakeBridge,
    fake_hub: FakeHub,
    hub_recipe: Recipe,
) -> None:
    open_missing(qtbot, session, bridge, replace(hub_recipe, download_bytes=1))
    qtbot.waitUntil(banner.download.isVisible)
    click(qtbot, banner.download)
    wait_for_check(qtbot, bridge)
    bridge.check(kind=Check)
    qtbot.waitUntil(lambda: len(fake_hub.transfers) == 1)
    before = loads(bridge)
    session.downloads.cancel(session.downloads.downloads[0])
    qtbot.waitUntil(banner.download.isVisible)
    offered(qtbot, banner, "Download 3 models (about 0.0 MB)")
    assert loads(bridge) == before


def test_opening_another_recipe_hides_the_download_button(
    qtbot: QtBot,
    banner: ProblemBanner,
    session: Session,
    bridge: FakeBridge,
    fake_hub: FakeHub,
    recipe: Recipe,
    hub_recipe: Recipe,
) -> None:
    open_missing(qtbot, session, bridge, hub_recipe)
    qtbot.waitUntil(banner.download.isVisible)
    session.open_recipe(recipe)
    assert not banner.isVisible()
    fail_load(bridge, CheckpointError("Something else"))
    assert banner.isVisible()
    assert not banner.download.isVisible()


def test_one_click_returns_to_the_loaded_recipe(
    qtbot: QtBot, banner: ProblemBanner, session: Session, bridge: FakeBridge, hub_recipe: Recipe
) -> None:
    session.set_alpha(0, 2.5)
    loaded = session.recipe
    session.set_source(0, "folder:/nowhere")
    assert session.previous is None  # the load has not failed yet
    fail_load(bridge, CheckpointError("There is no folder /nowhere"))
    session.open_recipe(hub_recipe)
    fail_load(bridge, CheckpointError("Another failure"))
    assert banner.back.text() == "Back to Two styles"
    click(qtbot, banner.back)
    assert session.recipe == loaded
    assert not banner.isVisible()
    bridge.finish_load()
    assert session.previous is None


def test_one_click_returns_to_a_recipe_that_was_loading(
    qtbot: QtBot, session: Session, bridge: FakeBridge, recipe: Recipe
) -> None:
    session.load()
    session.set_source(0, "folder:/nowhere")
    bridge.ready()
    fail_load(bridge, CheckpointError("There is no folder /nowhere"))
    assert session.previous == recipe


def test_the_back_button_is_hidden_if_nothing_was_loaded(
    qtbot: QtBot, session: Session, bridge: FakeBridge
) -> None:
    banner = ProblemBanner(session)
    qtbot.addWidget(banner)
    session.load()
    bridge.ready()
    fail_load(bridge, CheckpointError("There is no folder"))
    assert banner.isVisible()
    assert not banner.back.isVisible()


def test_details_are_copied_with_the_message(
    qtbot: QtBot, banner: ProblemBanner, session: Session
) -> None:
    session.report(CheckpointError("The file <a> is damaged", evidence="3 & 4"), "Traceback …")
    copy, dismiss = (
        next(b for b in banner.findChildren(QPushButton) if b.text() == text)
        for text in ("Copy details", "Dismiss")
    )
    click(qtbot, copy)
    assert QApplication.clipboard().text() == "The file <a> is damaged (3 & 4).\n\nTraceback …"
    click(qtbot, dismiss)
    assert session.problem is None
    assert not banner.isVisible()
