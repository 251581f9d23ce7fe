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
    assert gc.get_freeze_count() == 0


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


def test_what_survived_a_complete_collection_is_not_walked_again(
    collector: GarbageCollector,
) -> None:
    """Walking the modules of torch would stop window and engine for a quarter of a second."""
    collector._collect_oldest()
    kept = gc.get_freeze_count()
    assert kept > 10 * len(gc.get_objects())
    gone: list[bool] = []
    node = Node()
    weakref.finalize(node, lambda: gone.append(True))
    del node
    collector._collect_oldest()
    assert gone == [True], "what is new is collected"
    assert gc.get_freeze_count() <= kept


def test_garbage_among_what_was_set_aside_is_collected_in_the_end(
    collector: GarbageCollector,
) -> None:
    gone: list[bool] = []
    node = Node()
    weakref.finalize(node, lambda: gone.append(True))
    collector._collect_oldest()
    del node
    collector._collect_oldest()
    assert gone == []
    kept = gc.get_freeze_count()
    many = [[index] for index in range(2 * kept)]
    collector._collect_oldest()  # sets them aside
    assert gone == []
    assert gc.get_freeze_count() >= 2 * kept
    collector._collect_oldest()
    assert gone == [True]
    assert len(many) == 2 * kept
