"""Folder paths, host names and path segments as Checkmk spells them."""

from __future__ import annotations

import functools
import re
from typing import Optional
from urllib.parse import quote

from ..core.arguments import require_string

__all__ = ["folder_id", "folder_path", "host_name", "is_folder_hash", "parent_folder", "path_segment"]

_HASH = re.compile(r"[0-9a-fA-F]{32}")
_HOST = re.compile(r"[-0-9a-zA-Z_.]+")
# Checkmk: new folders may be named [-\w]*, older ones may also hold spaces and dots.
_FOLDER = re.compile(r"[-\w .]+")
_PLAIN = re.compile(r"[A-Za-z0-9_.~-]*")


def host_name(text: str) -> str:
    """Return ``text`` if it is a valid host name; ValueError otherwise."""
    if not isinstance(text, str) or not _HOST.fullmatch(text):
        raise ValueError(f"{text!r} is not a host name: only letters, digits, '-', '_' and '.' are allowed")
    if len(text) > 240:
        raise ValueError(f"the host name {text[:16]!r}… is longer than 240 characters")
    return text


def is_folder_hash(text: str) -> bool:
    """Return True for the 32 hex digits by which Checkmk also knows a folder."""
    return bool(_HASH.fullmatch(text))


def folder_path(text: str) -> str:
    """Return a folder in the spelling ``/a/b`` (root: ``/``) from ``/a/b``, ``~a~b``, ``\\a\\b``, with or without
    the first and a last separator; a 32-digit folder id stays as it is. ValueError for anything else."""
    if not isinstance(text, str) or not text.strip():
        raise ValueError(f"{text!r} is not a folder: a text like '/linux/web' is needed, '/' is the root")
    return _normalize(text)


@functools.lru_cache(maxsize=4096)  # thousands of hosts lie in the same folders
def _normalize(text: str) -> str:
    if is_folder_hash(text):
        return text
    parts = [part for part in re.split(r"[~\\/]+", text) if part]
    invalid = next((part for part in parts if not _FOLDER.fullmatch(part)), None)
    if invalid is not None:
        raise ValueError(f"{text!r} is not a folder: {invalid!r} holds characters that Checkmk refuses")
    if any(not part.strip(".") for part in parts):
        raise ValueError(f"{text!r} is not a folder: a name of dots alone means another one")
    return "/" + "/".join(parts)


def folder_id(text: str) -> str:
    """Return a folder in the spelling for URLs: ``~a~b`` (root: ``~``), or its 32-digit id."""
    path = folder_path(text)
    return path if is_folder_hash(path) else path.replace("/", "~")


def parent_folder(path: str) -> Optional[str]:
    """Return the folder above ``/a/b``, that is ``/a``; None for the root."""
    return None if path == "/" else path.rpartition("/")[0] or "/"


def path_segment(text: str) -> str:
    """Quote ``text`` for one segment of a URL's path.

    Checkmk decodes path parameters twice, so characters are quoted twice. A segment of dots would be taken as a
    relative path, so its dots are quoted as well. ValueError for an empty text, which would name the collection
    instead of one object. TypeError for anything but a text.
    """
    if not require_string(text, "a name"):
        raise ValueError("an empty name does not name anything")
    if _PLAIN.fullmatch(text):
        return text if text.strip(".") else text.replace(".", "%252E")
    return quote(quote(text, safe="~"), safe="~")
