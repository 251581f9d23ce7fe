"""Text from standard input and from arguments, decoded or rejected with an error."""

from __future__ import annotations

import argparse
import codecs
import os
import stat
import sys
from collections.abc import Callable
from typing import BinaryIO

from app.errors import PromptError

_UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_CONVERT = "Save the text as UTF-8, or convert it: iconv -f ENCODING -t UTF-8."


def read_standard_input() -> str:
    r"""Read the text on standard input; line breaks become ``\n``.

    The encoding is UTF-8, with or without a byte order mark, or UTF-16 with one.

    Raises:
        PromptError: Standard input is missing, or has another encoding.
    """
    content = standard_input(lambda stream: stream.read())
    return decode_text(content).replace("\r\n", "\n").replace("\r", "\n")


def standard_input(read: Callable[[BinaryIO], bytes]) -> bytes:
    """What ``read`` returns of standard input.

    Raises:
        PromptError: There is no standard input, or it cannot be read.
    """
    evidence = "it is closed"
    try:
        if sys.stdin is not None:
            return read(sys.stdin.buffer)
    except OSError as error:
        evidence = error.strerror or str(error)
    raise PromptError("Standard input cannot be read", evidence=evidence)


def piped_text() -> str:
    """The text of a pipe or file on standard input, without the line break at its end.

    Empty if standard input is something else.
    """
    try:
        mode = os.fstat(sys.stdin.fileno()).st_mode
    except (AttributeError, OSError, ValueError):  # there is none, or it is replaced in a test
        return ""
    if not (stat.S_ISFIFO(mode) or stat.S_ISREG(mode)):
        return ""
    return read_standard_input().removesuffix("\n")


def decode_text(content: bytes, source: str = "The prompt on standard input") -> str:
    """Decode UTF-8, or UTF-16 with a byte order mark.

    Args:
        content: The bytes.
        source: Where they are from, as an error says it.

    Raises:
        PromptError: The bytes have another encoding.
    """
    encoding = "utf-16" if content.startswith(_UTF16_MARKS) else "utf-8-sig"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        named = "UTF-16" if encoding == "utf-16" else "UTF-8"
        raise PromptError(
            f"{source} is not {named}",
            evidence=f"byte {error.start + 1:,} is 0x{content[error.start]:02X}",
            next_step=_CONVERT,
        ) from error
    if 3 * text.count("\0") > len(text):
        raise PromptError(
            f"{source} is not UTF-8",
            evidence="it looks like UTF-16 without a byte order mark",
            next_step=_CONVERT,
        )
    return text


def text_argument(argument: str) -> str:
    """The argparse type of an option with text (not a file name).

    Raises:
        ArgumentTypeError: The argument is not valid text in the encoding of the system.
    """
    odd = next((at for at, character in enumerate(argument) if _is_surrogate(character)), None)
    if odd is not None:
        byte = ord(argument[odd]) & 0xFF
        encoding = sys.getfilesystemencoding().upper()
        raise argparse.ArgumentTypeError(
            f"the text is not {encoding}: character {odd + 1:,} is byte 0x{byte:02X}"
        )
    return argument


def _is_surrogate(character: str) -> bool:
    return "\ud800" <= character <= "\udfff"
