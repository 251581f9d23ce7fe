"""Tests that garbage is collected on the window's thread only."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from app.checkpoints.memory.heap import release_memory
from app.ui.garbage_timer import GarbageCollector


@pytest.fixture
def collector(qapp: QObject) -> Iterator[GarbageCollector]:
    collector = GarbageCollector()
    yield collector
    collector.stop()
    assert gc.isenabled()


class Node:
    def __init__(self) -> None:
        self.itself = self


def test_no_other_thread_collects_garbage(collector: GarbageCollector) -> None:
    gone: list[threading.Thread] = []
    node = Node()
    weakref.finalize(node, lambda: gone.append(threading.current_thread()))
    del node
    thread = threading.Thread(target=lambda: [Node() for _ in range(50_000)])
    thread.start()
    thread.join()
    assert gone == []
    while not gone:  # allocates until the young generations are due
        collector.collect()
        kept = [Node() for _ in range(1000)]
        del kept
    assert gone == [threading.current_thread()]


@pytest.mark.slow
def test_a_collection_requested_by_another_thread_runs_on_the_window_thread(
    collector: GarbageCollector, qtbot: QtBot
) -> None:
    """The engine unloads models with reference cycles, and waits until they are collected."""
    gone: list[threading.Thread] = []
    seen: list[int] = []
    node = Node()
    weakref.finalize(node, lambda: gone.append(threading.current_thread()))
    del node

    def unload() -> None:
        release_memory()
        seen.append(len(gone))

    thread = threading.Thread(target=unload)
    thread.start()
    qtbot.waitUntil(lambda: bool(seen))
    thread.join()
    assert seen == [1]
    assert gone == [threading.current_thread()]


def test_the_window_thread_collects_at_once(collector: GarbageCollector) -> None:
    gone: list[bool] = []
    node = Node()
    weakref.finalize(node, lambda: gone.append(True))
    del node
    release_memory()
    assert gone == [True]


def test_the_timer_collects(collector: GarbageCollector, qtbot: QtBot) -> None:
    gone: list[bool] = []
    node = Node()
    weakref.finalize(node, lambda: gone.append(True))
    del node
    many = [Node() for _ in range(1000)]
    collector._timer.setInterval(0)
    qtbot.waitUntil(lambda: bool(gone))
    assert len(many) == 1000
