"""Threads that wait sleep after a short while, unless the person has chosen otherwise."""

from __future__ import annotations

import pytest

from app.waiting_threads import let_waiting_threads_sleep


@pytest.mark.unit
@pytest.mark.parametrize(
    ("chosen", "wanted"),
    [
        ({}, {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "1000"}),
        ({"GOMP_SPINCOUNT": "7"}, {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "7"}),
        ({"OMP_WAIT_POLICY": "ACTIVE"}, {"OMP_WAIT_POLICY": "ACTIVE"}),
    ],
)
def test_what_a_person_has_set_is_kept(chosen: dict[str, str], wanted: dict[str, str]) -> None:
    let_waiting_threads_sleep(chosen)
    assert chosen == wanted
