"""Tests of the real window, engine and Hub client with a small Hub server on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import huggingface_hub
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton
from pytestqt.qtbot import QtBot

from app.checkpoints import hub
from app.checkpoints.spec import CheckpointSpec, Recipe
from app.ui.models.download_bar import DownloadBar
from app.ui.models.hub_dialog import HubDialog
from app.ui.problem_banner import ProblemBanner
from app.ui.state.session import LoadState
from tests import tiny
from tests.checkpoints.hub_server import Fail, HubServer
from tests.ui.test_window import Window

BASE, EXPERT, ANTI = "owner/base", "owner/expert", "owner/antiexpert"


@pytest.fixture
def server(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, llama: tiny.Family
) -> Iterator[HubServer]:
    with HubServer() as running:
        running.connect(monkeypatch, tmp_path)
        folders = {BASE: llama.base, EXPERT: llama.expert, ANTI: llama.antiexpert}
        for name, folder in folders.items():
            running.add_repo(name, folder, downloads=10, likes=1)
        yield running
        running.release()
        huggingface_hub.close_session()


@pytest.fixture
def hub_recipe(tiny_recipe: Recipe) -> Recipe:
    def spec(name: str) -> CheckpointSpec:
        return replace(tiny_recipe.base, source=f"hub:{name}")

    pair = replace(tiny_recipe.pairs[0], expert=spec(EXPERT), antiexpert=spec(ANTI))
    return replace(tiny_recipe, name="From the Hub", base=spec(BASE), pairs=(pair,))


@pytest.fixture
def window(
    server: HubServer, tiny_recipe: Recipe, tmp_path: Path, qtbot: QtBot
) -> Iterator[Window]:
    opened = Window(tiny_recipe, tmp_path / "window.ini", qtbot)
    opened.wait_for(lambda: opened.session.load_state is LoadState.LOADED)
    yield opened
    opened.window.close()
    opened.bridge.close()
    assert opened.bridge.join(60)
    assert opened.session.downloads.join(60)


@pytest.fixture
def banner(window: Window) -> ProblemBanner:
    banner = window.window.findChild(ProblemBanner)
    assert banner is not None
    return banner


@pytest.fixture
def bar(window: Window) -> DownloadBar:
    bar = window.window.findChild(DownloadBar)
    assert bar is not None
    return bar


def click(window: Window, button: QAbstractButton) -> None:
    window.wait_for(lambda: button.isVisible() and button.isEnabled())
    window.qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def open_and_download(window: Window, banner: ProblemBanner, recipe: Recipe) -> None:
    """Open a recipe from the Hub and download its models."""
    window.session.open_recipe(recipe)
    click(window, banner.download)  # requests the sizes
    window.wait_for(lambda: banner.download.text().endswith("B)"))
    click(window, banner.download)


@pytest.mark.slow
def test_a_recipe_from_the_hub_is_downloaded_and_loads(
    window: Window, banner: ProblemBanner, server: HubServer, hub_recipe: Recipe
) -> None:
    window.session.open_recipe(hub_recipe)
    window.wait_for(lambda: banner.download.isVisible())
    assert banner.download.text() == "Download 3 models …"
    assert server.requests == []
    click(window, banner.download)
    window.wait_for(lambda: "MB)" in banner.download.text())
    assert all("/api/models/" in request for request in server.requests)
    click(window, banner.download)
    window.wait_for(lambda: window.session.load_state is LoadState.LOADED)
    assert [role.source for role in window.session.roles_in_force] == [
        f"hub:{BASE}",
        f"hub:{EXPERT}",
        f"hub:{ANTI}",
    ]
    assert window.session.problem is None
    assert server.downloads_of("config.json") >= 3


@pytest.mark.slow
def test_a_different_vocabulary_is_detected_before_weights_are_downloaded(
    window: Window,
    banner: ProblemBanner,
    server: HubServer,
    hub_recipe: Recipe,
    tmp_path: Path,
) -> None:
    model, folder = tiny.make_model("llama", 9), tmp_path / "stranger"
    server.add_repo(EXPERT, tiny.save(model, folder, tiny.make_metaspace_tokenizer()))
    open_and_download(window, banner, hub_recipe)
    window.wait_for(lambda: "tokens differ" in banner.accessibleDescription())
    weights = [r for r in server.requests if r.startswith("GET /storage") and "safetensors" in r]
    assert len(weights) <= 6  # only headers, by range requests
    assert window.session.downloads.downloads == ()


@pytest.mark.slow
def test_a_gated_model_shows_the_link_to_its_terms(
    window: Window, banner: ProblemBanner, server: HubServer, hub_recipe: Recipe
) -> None:
    repo = server.repo(BASE)
    assert repo is not None
    repo.gated = True
    open_and_download(window, banner, hub_recipe)
    window.wait_for(lambda: "gated" in banner.accessibleDescription())
    assert f"https://huggingface.co/{BASE}" in banner.accessibleDescription()
    assert "hf auth login" in banner.accessibleDescription()
    click(window, banner.back)
    window.wait_for(lambda: window.session.load_state is LoadState.LOADED)


@pytest.mark.slow
def test_a_stalled_download_can_be_cancelled_and_retried(
    window: Window,
    banner: ProblemBanner,
    bar: DownloadBar,
    server: HubServer,
    hub_recipe: Recipe,
) -> None:
    repo = server.repo(EXPERT)
    assert repo is not None
    for name in (BASE, EXPERT, ANTI):  # so that the check requests no more weights
        hub.fetch_metadata(hub.parse(name))
    repo.fail = Fail.STALL
    open_and_download(window, banner, hub_recipe)
    window.wait_for(lambda: server.has_stalled and bar.isVisible())
    assert f"Downloading {EXPERT}" in bar.text
    click(window, bar.cancel)
    window.wait_for(lambda: banner.download.isVisible())
    repo.fail = None
    click(window, banner.download)
    window.wait_for(lambda: banner.download.text().startswith("Download 2 models ("))
    click(window, banner.download)
    window.wait_for(lambda: window.session.load_state is LoadState.LOADED)
    assert not bar.isVisible()


@pytest.mark.slow
def test_the_dialog_finds_checks_downloads_and_uses_a_model(
    window: Window, server: HubServer
) -> None:
    dialog = HubDialog(window.session, 1, window.window)
    dialog.open()
    window.qtbot.keyClicks(dialog.text, "expert")
    assert server.requests == []
    window.qtbot.keyClick(dialog.text, Qt.Key.Key_Return)
    window.wait_for(lambda: dialog.results.rowCount() == 2)
    row = [dialog.results.data(dialog.results.index(i, 0)) for i in range(2)].index(EXPERT)
    dialog.table.selectRow(row)
    window.wait_for(lambda: dialog.action.text().startswith("Download "))
    click(window, dialog.action)
    window.wait_for(lambda: window.session.recipe.checkpoints()[1].source == f"hub:{EXPERT}")
    window.wait_for(lambda: window.session.load_state is LoadState.LOADED)
    assert "downloaded and used as" in dialog.message.message
    dialog.close()


@pytest.mark.slow
def test_closing_the_window_ends_a_stalled_download(window: Window, server: HubServer) -> None:
    repo = server.repo(BASE)
    assert repo is not None
    repo.fail = Fail.STALL
    window.session.downloads.add(f"hub:{BASE}")
    window.wait_for(lambda: server.has_stalled)
    window.window.close()
    assert window.session.downloads.join(60)
