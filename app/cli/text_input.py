"""Texts from standard input and from arguments, which may be in any encoding."""

from __future__ import annotations

import argparse
import codecs
import sys

from app.errors import PromptError

_UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_CONVERT = "Save the text as UTF-8, or convert it: iconv -f ENCODING -t UTF-8."


def read_standard_input() -> str:
    """The text on standard input, with line breaks as ``\\n``.

    It is UTF-8, with or without a byte order mark, or UTF-16 with one.

    Raises:
        PromptError: There is none, or it is in another encoding.
    """
    try:
        content = sys.stdin.buffer.read()
    except (AttributeError, OSError) as error:  # Python has no stream where there is no input
        raise PromptError(
            "The prompt on standard input cannot be read", evidence=str(error)
        ) from error
    return decode_text(content).replace("\r\n", "\n").replace("\r", "\n")


def decode_text(content: bytes) -> str:
    """The text of these bytes.

    Raises:
        PromptError: They are neither UTF-8 nor UTF-16 with a byte order mark.
    """
    encoding = "utf-16" if content.startswith(_UTF16_MARKS) else "utf-8-sig"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        named = "UTF-16" if encoding == "utf-16" else "UTF-8"
        raise PromptError(
            f"The prompt on standard input is not {named}",
            evidence=f"byte {error.start + 1:,} is 0x{content[error.start]:02X}",
            next_step=_CONVERT,
        ) from error
    if 3 * text.count("\0") > len(text):
        raise PromptError(
            "The prompt on standard input is not UTF-8",
            evidence="it looks like UTF-16 without a byte order mark",
            next_step=_CONVERT,
        )
    return text


def text_argument(argument: str) -> str:
    """The type of an option that is a text and not the name of a file.

    Raises:
        ArgumentTypeError: The bytes that were given are not a text in the encoding of the system.
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
