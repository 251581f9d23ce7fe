"""Cycles are collected, and on no other thread than the window's."""

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


def test_another_thread_collects_nothing(collector: GarbageCollector) -> None:
    gone: list[threading.Thread] = []
    node = Node()
    weakref.finalize(node, lambda: gone.append(threading.current_thread()))
    del node
    thread = threading.Thread(target=lambda: [Node() for _ in range(50_000)])
    thread.start()
    thread.join()
    assert gone == []
    while not gone:  # the youngest generation is due by now, and then the next
        collector.collect()
        kept = [Node() for _ in range(1000)]
        del kept
    assert gone == [threading.current_thread()]


def test_what_another_thread_asks_for_is_collected_here(
    collector: GarbageCollector, qtbot: QtBot
) -> None:
    """The engine unloads models, which hold cycles, and waits until their memory is free."""
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


def test_the_thread_of_the_window_collects_at_once(collector: GarbageCollector) -> None:
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
