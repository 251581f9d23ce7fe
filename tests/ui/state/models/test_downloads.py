"""Tests of the queue of downloads, with a Hub and a clock controlled by the test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytestqt.qtbot import QtBot

from app.errors import HubError
from app.ui.state.models.downloads import Download, Downloads, DownloadState
from tests.ui.fake_hub import FakeHub, Transfer

ONE, TWO = "hub:owner/one", "hub:owner/two@v2"


class Clock:
    """A clock that the test advances."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def downloads(qtbot: QtBot, fake_hub: FakeHub, clock: Clock) -> Iterator[Downloads]:
    downloads = Downloads(clock=clock)
    yield downloads
    downloads.close()
    assert downloads.join(60)


def begun(qtbot: QtBot, hub: FakeHub, count: int = 1) -> Transfer:
    """Wait until ``count`` transfers have begun; the newest one."""
    qtbot.waitUntil(lambda: len(hub.transfers) == count and hub.transfers[-1].began.is_set())
    return hub.transfers[-1]


def report(
    qtbot: QtBot, download: Download, transfer: Transfer, done: int, total: int = 1000
) -> None:
    transfer.report(done, total)
    qtbot.waitUntil(lambda: download.done == done)


@pytest.mark.slow
def test_bytes_speed_and_time_left(
    qtbot: QtBot, downloads: Downloads, fake_hub: FakeHub, clock: Clock
) -> None:
    download = downloads.add(ONE)
    assert download.state is DownloadState.WAITING
    transfer = begun(qtbot, fake_hub)
    report(qtbot, download, transfer, 200)  # bytes of an earlier download
    assert download.state is DownloadState.RUNNING
    assert download.speed == 0
    clock.now += 2
    report(qtbot, download, transfer, 400)
    assert (download.speed, download.seconds_left, download.stalled) == (100, 6, False)
    assert download.file == "model.safetensors"


@pytest.mark.slow
def test_a_stall_is_detected_without_progress_reports(
    qtbot: QtBot, downloads: Downloads, fake_hub: FakeHub, clock: Clock
) -> None:
    download = downloads.add(ONE)
    transfer = begun(qtbot, fake_hub)
    report(qtbot, download, transfer, 200)
    clock.now += 60
    qtbot.waitUntil(lambda: download.stalled)
    assert download.seconds_left is None
    report(qtbot, download, transfer, 300)
    assert not download.stalled


def test_downloads_run_one_after_another_and_once_each(
    qtbot: QtBot, downloads: Downloads, fake_hub: FakeHub
) -> None:
    finished: list[Download] = []
    downloads.finished.connect(finished.append)
    one, two = downloads.add(ONE), downloads.add(TWO)
    assert downloads.add(ONE) is one
    first = begun(qtbot, fake_hub)
    assert downloads.downloads == (one, two)
    assert two.state is DownloadState.WAITING
    first.finish()
    second = begun(qtbot, fake_hub, 2)
    qtbot.waitUntil(lambda: finished == [one])
    second.finish()
    qtbot.waitUntil(lambda: finished == [one, two])
    assert [one.state, two.state] == [DownloadState.DONE] * 2
    assert downloads.downloads == ()
    assert fake_hub.online == [("download", "owner/one"), ("download", "owner/two@v2")]


@pytest.mark.slow
def test_a_failure_stays_until_it_is_retried(
    qtbot: QtBot, downloads: Downloads, fake_hub: FakeHub
) -> None:
    download = downloads.add(ONE)
    transfer = begun(qtbot, fake_hub)
    report(qtbot, download, transfer, 200)
    error = HubError("The connection to the Hub was lost")
    transfer.finish(error)
    qtbot.waitUntil(lambda: download.state is DownloadState.FAILED)
    assert download.error is error
    assert downloads.downloads == (download,)
    assert not downloads.active
    downloads.retry(download)
    assert (download.state, download.error, download.done) == (DownloadState.WAITING, None, 0)
    begun(qtbot, fake_hub, 2).finish()
    qtbot.waitUntil(lambda: download.state is DownloadState.DONE)


def test_cancelling_stops_the_transfer_and_lets_the_next_begin(
    qtbot: QtBot, downloads: Downloads, fake_hub: FakeHub
) -> None:
    one, two, three = downloads.add(ONE), downloads.add(TWO), downloads.add("hub:owner/three")
    first = begun(qtbot, fake_hub)
    downloads.cancel(two)  # it is still waiting
    downloads.cancel(one)
    assert one.state is two.state is DownloadState.CANCELLED
    begun(qtbot, fake_hub, 2).finish()
    qtbot.waitUntil(lambda: three.state is DownloadState.DONE)
    assert first.cancelled
    assert [asked for _, asked in fake_hub.online] == ["owner/one", "owner/three"]


def test_a_cancelled_download_can_be_retried_at_once(
    qtbot: QtBot, downloads: Downloads, fake_hub: FakeHub
) -> None:
    download = downloads.add(ONE)
    first = begun(qtbot, fake_hub)
    downloads.cancel(download)
    downloads.retry(download)
    begun(qtbot, fake_hub, 2).finish()
    qtbot.waitUntil(lambda: download.state is DownloadState.DONE)
    assert first.cancelled


def test_closing_cancels_and_leaves_no_thread(
    qtbot: QtBot, downloads: Downloads, fake_hub: FakeHub
) -> None:
    downloads.add(ONE)
    downloads.add(TWO)
    transfer = begun(qtbot, fake_hub)
    downloads.close()
    assert downloads.join(60)
    assert transfer.cancelled
    assert len(fake_hub.transfers) == 1


def test_nothing_is_polled_without_downloads(
    qtbot: QtBot, downloads: Downloads, fake_hub: FakeHub
) -> None:
    from PySide6.QtCore import QTimer

    timer = downloads.findChild(QTimer)
    assert not timer.isActive()
    downloads.add(ONE)
    assert timer.isActive()
    begun(qtbot, fake_hub).finish()
    qtbot.waitUntil(lambda: not timer.isActive())
