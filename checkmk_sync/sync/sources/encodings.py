"""From the bytes of an inventory to its text."""

from __future__ import annotations

import codecs
import re
from typing import Optional, Union

from ...core.text import is_encoding
from ...errors import SettingsError

__all__ = ["checked_encoding", "decoded", "is_probably_utf8"]

_COMMON = ("utf-8", "windows-1252", "iso-8859-15", "utf-16", "cp850", "mac-roman")
_SURROGATE = re.compile("[\ud800-\udfff]")
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it starts with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def checked_encoding(name: Optional[str]) -> Optional[str]:
    """The name of an encoding that Python knows, or None for None. SettingsError for any other text."""
    if name is None:
        return None
    if not is_encoding(name):
        message = f"unknown encoding {name!r}: give one such as {', '.join(_COMMON)}"
        raise SettingsError(message, field="encoding")
    return name


def decoded(raw: Union[bytes, bytearray], shown: str, encoding: Optional[str] = None) -> str:
    """The text of a file, which is UTF-8 or has the given ``encoding``; a byte-order mark wins over that.

    SettingsError, with the line, for bytes that are not valid in it.
    """
    wrong = _encoding_problem(raw, encoding)
    if wrong is not None:
        raise SettingsError(wrong, file=shown, line=1)
    marked = next((name for mark, name in _MARKS if raw.startswith(mark)), None)
    name = encoding if encoding is not None and marked is None else marked or "utf-8"
    try:
        text = raw.decode(name)
    except UnicodeDecodeError as error:
        line = raw[: error.start].decode(name, "replace").count("\n") + 1
        message = "not UTF-8 text" if encoding is None else f"not {name} text (byte 0x{raw[error.start]:02x})"
        raise SettingsError(
            f"the inventory is {message}: {_conversion_hint('windows-1252')}", file=shown, line=line
        ) from None
    except UnicodeError:  # of codecs with other errors, such as idna
        raise SettingsError(f"the inventory is not {name} text", file=shown, line=1) from None
    text = text.removeprefix("\ufeff")
    nul = text.find("\0")
    if nul >= 0:
        line = text.count("\n", 0, nul) + 1
        raise SettingsError("this is not a text: it holds the character NUL", file=shown, line=line)
    half = _SURROGATE.search(text)  # some encodings, such as UTF-7, can spell halves of characters, which no site takes
    if half is not None:
        line = text.count("\n", 0, half.start()) + 1
        raise SettingsError(f"the inventory is not {name} text", file=shown, line=line)
    return text


def is_probably_utf8(raw: Union[bytes, bytearray], encoding: str) -> bool:
    """True for UTF-8 text with letters beyond ASCII that is read in another ``encoding``: it becomes gibberish."""
    if raw.isascii() or raw.startswith(tuple(mark for mark, _ in _MARKS)) or codecs.lookup(encoding).name == "utf-8":
        return False
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _encoding_problem(raw: Union[bytes, bytearray], encoding: Optional[str]) -> Optional[str]:
    """Why a file is not a text, and the way out; None for a text."""
    if raw.startswith(b"PK\x03\x04"):
        return "this is an Excel workbook or a zip file, not a text: save the sheet as 'CSV UTF-8'"
    if raw.startswith(b"\x1f\x8b"):
        return "this is compressed: unpack it, or pipe it in with gzip -dc FILE | checkmk-sync plan -"
    if encoding is not None:
        return None
    head = raw[:100]
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or (
        b"\0" in head and (not any(head[::2]) or not any(head[1::2]))
    ):
        return f"the inventory is UTF-16, not UTF-8 text: {_conversion_hint('utf-16')}"
    return "this is a binary file, not a text" if b"\0" in head else None


def _conversion_hint(encoding: str) -> str:
    return (
        f"name its encoding, such as encoding='{encoding}', save it in Excel as 'CSV UTF-8', "
        f"or use iconv -f {encoding.upper()} -t UTF-8"
    )
