"""Simulated processors: what a block takes depends on the threads alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

import pytest
import torch

from app.decoding.thread_choice import ThreadChoice


@pytest.fixture(autouse=True)
def threads_of_torch() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


class Processor:
    """Reads blocks in simulated seconds, ``seconds`` of the threads, and counts who was asked."""

    def __init__(self, most: int, seconds: Callable[[int], float]) -> None:
        self.choice = ThreadChoice(most, lambda: self.now)
        self.seconds = seconds
        self.now = 0.0

    def read(self, blocks: int, tokens: int = 1) -> Counter[int]:
        used = Counter[int]()
        for _ in range(blocks):
            with self.choice.for_block(tokens):
                used[torch.get_num_threads()] += 1
                self.now += self.seconds(torch.get_num_threads())
        return used


@pytest.mark.parametrize(("most", "best"), [(2, 1), (2, 2), (8, 1), (8, 2), (8, 8), (6, 3), (3, 1)])
def test_the_fastest_number_is_used(most: int, best: int) -> None:
    processor = Processor(most, lambda threads: 1.0 + abs(threads - best))
    processor.read(40)
    used = processor.read(640)
    assert used[best] >= 640 * 30 / 32
    assert set(used) <= {best, best // 2, best * 2}


def test_what_is_about_as_fast_does_not_drive_it_away() -> None:
    processor = Processor(4, lambda threads: 1.0 if threads == 4 else 0.97)
    assert processor.read(400)[4] > 350


def test_it_follows_the_load_in_both_directions() -> None:
    processor = Processor(4, lambda threads: 1 / threads)
    assert processor.read(400)[4] > 350
    processor.seconds = float  # another program came: those that wait for each other lose
    processor.read(600)
    assert processor.read(320)[1] >= 300
    processor.seconds = lambda threads: 1 / threads
    processor.read(600)
    assert processor.read(320)[4] >= 300


def test_what_slows_all_numbers_down_drives_none_away() -> None:
    processor = Processor(8, lambda threads: 1.0 + abs(threads - 4))
    processor.read(700)
    processor.seconds = lambda threads: 10.0 + 10 * abs(threads - 4)
    assert processor.read(320)[4] >= 300


def test_sizes_of_blocks_are_told_apart() -> None:
    processor = Processor(2, float)
    assert processor.read(100, tokens=1)[1] > 90
    processor.seconds = lambda threads: 1 / threads
    assert processor.read(100, tokens=64)[2] > 90
    assert processor.read(30, tokens=1)[1] > 25


def test_numbers_that_lose_are_tried_more_and_more_rarely() -> None:
    processor = Processor(2, float)
    processor.read(1000)
    assert processor.read(640)[2] <= 640 / 128


def test_a_number_that_was_left_because_of_a_disturbance_is_soon_used_again() -> None:
    processor = Processor(2, float)
    processor.read(1001)  # odd, so that a number that is tried and adopted has both of two blocks
    processor.seconds = lambda threads: 100.0 / threads  # another program runs for a while
    left = any(processor.read(2)[2] == 2 for _ in range(300))
    assert left
    processor.seconds = float
    assert processor.read(100)[1] > 85


def test_one_slow_block_changes_nothing() -> None:
    processor = Processor(2, float)
    processor.read(100)
    processor.seconds = lambda threads: 100.0
    processor.read(1)
    processor.seconds = float
    assert processor.read(100)[1] > 90


def test_threads_are_released_also_after_an_error() -> None:
    torch.set_num_threads(2)
    processor = Processor(8, float)
    processor.read(1)
    assert torch.get_num_threads() == 2
    with pytest.raises(KeyError), processor.choice.for_block(1):
        raise KeyError
    assert torch.get_num_threads() == 2


def test_by_default_torchs_number_is_the_most() -> None:
    torch.set_num_threads(1)
    with ThreadChoice().for_block(1):
        assert torch.get_num_threads() == 1
    torch.set_num_threads(2)
    choice, seen = ThreadChoice(), set()
    for _ in range(10):
        with choice.for_block(5):
            seen.add(torch.get_num_threads())
    assert seen == {1, 2}


def test_a_torch_that_cannot_change_its_threads_is_left_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        torch.__config__, "parallel_info", lambda: "ATen parallel backend: native thread pool"
    )
    monkeypatch.setattr(torch, "set_num_threads", lambda threads: pytest.fail("changed"))
    before = torch.get_num_threads()
    choice = ThreadChoice()
    for _ in range(10):
        with choice.for_block(1):
            assert torch.get_num_threads() == before
