"""Decode the bytes of an inventory."""

from __future__ import annotations

import codecs
import re
from typing import Optional, Union

from ...core.text import is_encoding
from ...errors import SettingsError

_COMMON = ("utf-8", "windows-1252", "iso-8859-15", "utf-16", "cp850", "mac-roman")
_INVALID = re.compile("[\0\ud800-\udfff]")  # encodings such as UTF-7 can encode halves of surrogate pairs
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, because the mark begins with the mark of UTF-16
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def checked_encoding(name: Optional[str]) -> Optional[str]:
    """Return ``name`` unchanged. Raises SettingsError for an encoding that Python does not know."""
    if name is not None and not is_encoding(name):
        message = f"unknown encoding {name!r}; use one such as {', '.join(_COMMON)}"
        raise SettingsError(message, field="encoding")
    return name


def decoded(raw: Union[bytes, bytearray], shown: str, encoding: Optional[str] = None) -> str:
    """Return the text of a file, decoded with ``encoding`` or as UTF-8. A byte-order mark takes precedence.

    Raises SettingsError, with the line, for bytes that are not valid in the encoding.
    """
    problem = _encoding_problem(raw, encoding)
    if problem is not None:
        raise SettingsError(problem, file=shown, line=1)
    name = next((name for mark, name in _BOMS if raw.startswith(mark)), encoding or "utf-8")
    try:
        text = raw.decode(name)
    except UnicodeDecodeError as error:
        line = raw[: error.start].decode(name, "replace").count("\n") + 1
        expected = "UTF-8 text" if encoding is None else f"{name} text (byte 0x{raw[error.start]:02x})"
        message = f"the inventory is not {expected}; {_conversion_hint('windows-1252')}"
        raise SettingsError(message, file=shown, line=line) from None
    except UnicodeError:  # some codecs, such as idna, raise other errors
        raise SettingsError(f"the inventory is not {name} text", file=shown, line=1) from None
    text = text.removeprefix("\ufeff")
    invalid = _INVALID.search(text)
    if invalid is not None:
        has_nul = invalid[0] == "\0"
        message = (
            "this is not a text file: it contains the character NUL" if has_nul else f"the inventory is not {name} text"
        )
        raise SettingsError(message, file=shown, line=text.count("\n", 0, invalid.start()) + 1)
    return text


def is_probably_utf8(raw: Union[bytes, bytearray], encoding: str) -> bool:
    """Return True if ``encoding`` is not UTF-8, but the bytes are valid UTF-8 with characters beyond ASCII."""
    if raw.isascii() or raw.startswith(tuple(mark for mark, _ in _BOMS)) or codecs.lookup(encoding).name == "utf-8":
        return False
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _encoding_problem(raw: Union[bytes, bytearray], encoding: Optional[str]) -> Optional[str]:
    """Return why a file cannot be decoded, with a hint; None if it may be a text file."""
    if raw.startswith(b"PK\x03\x04"):
        return "this is an Excel workbook or a zip file, not a text file; save the sheet as 'CSV UTF-8'"
    if raw.startswith(b"\x1f\x8b"):
        return "this file is compressed; unpack it, or pipe it in with 'gzip -dc FILE | checkmk-sync plan -'"
    if encoding is not None:
        return None
    head = raw[:100]
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or (
        b"\0" in head and (not any(head[::2]) or not any(head[1::2]))
    ):
        return f"the inventory is UTF-16, not UTF-8 text; {_conversion_hint('utf-16')}"
    return "this is a binary file, not a text file" if b"\0" in head else None


def _conversion_hint(encoding: str) -> str:
    return (
        f"give its encoding, such as encoding='{encoding}', save it in Excel as 'CSV UTF-8', "
        f"or use iconv -f {encoding.upper()} -t UTF-8"
    )
