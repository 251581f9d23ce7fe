"""What a log may have of an exception."""

from __future__ import annotations

import errno
import os

import pytest

from app.errors import kind_and_places

pytestmark = pytest.mark.unit
SECRET = "a private text"


def raised(kind: type[BaseException], *arguments: object) -> BaseException:
    try:
        try:
            raise KeyError(SECRET)
        except KeyError as inner:
            raise kind(*arguments) from inner
    except BaseException as error:
        return error


@pytest.mark.parametrize("kind", [ValueError, RuntimeError, OSError, Exception, BaseException])
def test_messages_are_left_out(kind: type[BaseException]) -> None:
    lines = kind_and_places(raised(kind, SECRET)).splitlines()
    assert lines[-1] == kind.__name__
    assert "KeyError" in lines[:-1]
    assert sum(__file__ in line and line.endswith("in raised") for line in lines) == 2
    assert SECRET not in "\n".join(lines)


def test_errors_of_the_system_have_its_own_words_and_no_name_of_a_file() -> None:
    error = raised(OSError, errno.ENAMETOOLONG, SECRET, SECRET)
    told = kind_and_places(error)
    assert told.splitlines()[-1] == f"OSError: {os.strerror(errno.ENAMETOOLONG)}"
    assert SECRET not in told


def test_a_chain_that_is_a_circle_ends() -> None:
    first, second = ValueError(SECRET), LookupError(SECRET)
    first.__cause__, second.__cause__ = second, first
    assert kind_and_places(first) == "LookupError\nValueError"
