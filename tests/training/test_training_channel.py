"""Requests to a training, in the order in which the program sends them."""

from __future__ import annotations

from multiprocessing import Pipe

import pytest

from app.training.messages.training_channel import Channel
from app.training.messages.training_events import Request

PAUSE, GO_ON, STOP, ABANDON = Request.PAUSE, Request.GO_ON, Request.STOP, Request.ABANDON


@pytest.mark.parametrize(
    ("sent", "followed"),
    [
        ([], None),
        ([PAUSE, GO_ON], GO_ON),
        ([STOP, PAUSE], STOP),
        ([STOP, GO_ON], STOP),
        ([ABANDON, PAUSE], ABANDON),
        ([STOP, ABANDON], ABANDON),
    ],
)
def test_to_stop_is_not_lost(sent: list[Request], followed: Request | None) -> None:
    program, training = Pipe()
    channel = Channel(training)
    for request in sent:
        program.send_bytes(request.encode())
    assert channel.request() is followed
    assert channel.is_abandoned == (followed is ABANDON)
    assert channel.request() is (followed if followed in (STOP, ABANDON) else None)


def test_a_pause_ends_with_the_next_other_request() -> None:
    program, training = Pipe()
    channel = Channel(training)
    for request in (PAUSE, STOP, GO_ON):
        program.send_bytes(request.encode())
    assert channel.wait_for_request() is STOP
    assert channel.request() is STOP


def test_a_program_that_has_ended_abandons_the_training() -> None:
    program, training = Pipe()
    channel = Channel(training)
    program.close()
    assert channel.request() is ABANDON
    assert channel.wait_for_request() is ABANDON
