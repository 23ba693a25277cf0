"""Folder paths, host names and path segments in the spelling of Checkmk."""

from __future__ import annotations

import functools
import re
from typing import Optional
from urllib.parse import quote, unquote

from ..core.arguments import require_string

_HASH = re.compile(r"[0-9a-fA-F]{32}")
_HOST = re.compile(r"[-0-9a-zA-Z_.]+")
# Checkmk: the name of a new folder matches [-\w]*; older names can also contain spaces and dots.
_FOLDER = re.compile(r"[-\w .]+")
_PLAIN = re.compile(r"[A-Za-z0-9_.~-]*")
_IN_URL_PATH = re.compile(r"(?:[A-Za-z0-9_.~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*")


def host_name(text: str) -> str:
    """Return ``text`` if it is a valid host name. Raises ValueError otherwise."""
    if not isinstance(text, str) or not _HOST.fullmatch(text):
        raise ValueError(f"{text!r} is not a host name; use only letters, digits, '-', '_' and '.'")
    if len(text) > 240:
        raise ValueError(f"the host name {text[:16]!r}… is longer than 240 characters")
    return text


def is_folder_hash(text: str) -> bool:
    """Return True if ``text`` has 32 hex digits, like the IDs that Checkmk also accepts for a folder."""
    return bool(_HASH.fullmatch(text))


def folder_path(text: str) -> str:
    """Return a folder as ``/a/b``, or as ``/`` for the root.

    The input is ``/a/b``, ``~a~b`` or ``\\a\\b``, with or without a leading and a trailing separator. A 32-digit folder
    ID is returned unchanged. Raises ValueError for anything else.
    """
    if not isinstance(text, str) or not text.strip():
        raise ValueError(f"{text!r} is not a folder; use a path such as '/linux/web', or '/' for the root")
    return _normalize(text)


@functools.lru_cache(maxsize=4096)  # thousands of hosts share a folder
def _normalize(text: str) -> str:
    if is_folder_hash(text):
        return text
    parts = [part for part in re.split(r"[~\\/]+", text) if part]
    invalid = next((part for part in parts if not _FOLDER.fullmatch(part)), None)
    if invalid is not None:
        raise ValueError(f"{text!r} is not a folder: {invalid!r} contains characters that Checkmk refuses")
    if any(not part.strip(".") for part in parts):
        raise ValueError(f"{text!r} is not a folder: a name must not consist of dots only")
    return "/" + "/".join(parts)


def folder_id(text: str) -> str:
    """Return a folder as it is spelled in URLs: ``~a~b``, ``~`` for the root, or the 32-digit ID.

    Raises ValueError like :func:`folder_path`.
    """
    path = folder_path(text)
    return path if is_folder_hash(path) else path.replace("/", "~")


def parent_folder(path: str) -> Optional[str]:
    """Return the parent of a folder, such as ``/a`` for ``/a/b``, or None for the root."""
    return None if path == "/" else path.rpartition("/")[0] or "/"


def path_segment(text: str) -> str:
    """Return ``text`` quoted as one segment of a URL's path.

    Raises TypeError if ``text`` is not a string, and ValueError if it is empty.
    """
    if not require_string(text, "a name"):
        # An empty segment would address the collection instead of one object.
        raise ValueError("a name must not be empty")
    if _PLAIN.fullmatch(text):
        # A segment of only dots would be resolved as a relative path.
        return text if text.strip(".") else text.replace(".", "%252E")
    # Checkmk decodes path parameters twice.
    return quote(quote(text, safe="~"), safe="~")


def api_path(text: str) -> str:
    """Return a path below the API, such as ``/objects/host_config/web01``, for a request with credentials.

    The leading slash is optional. Raises ValueError if the path is not valid, or could lead out of the API.
    """
    path = require_string(text, "the path")
    problem = _api_path_problem(path)
    if problem:
        raise ValueError(f"the path must be relative to the API, such as /objects/host_config/web01, but {problem}")
    return path if path.startswith("/") else f"/{path}"


def _api_path_problem(path: str) -> str:
    """Return why a path could lead out of the API, or "" if it is safe."""
    if not path.strip("/"):
        return f"{path!r} does not name an endpoint"
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", path) or "/check_mk/api/" in path:
        return f"{path!r} contains the address of the API; give the part after it"
    if "?" in path or "#" in path:
        return f"{path!r} contains a '?' or '#'; give query parameters separately"
    # Web servers and proxies decode a path up to several times before they resolve it.
    decoded = _fully_decoded(path if path.startswith("/") else f"/{path}")
    if any(char < " " or "\x7f" <= char <= "\x9f" for char in decoded):
        return f"{path!r} contains a control character"
    if "\\" in decoded:
        return f"{path!r} contains a backslash"
    if "//" in decoded:
        return f"{path!r} contains an empty segment ('//')"
    # Some servers ignore the part of a segment after a ";".
    if any(segment.partition(";")[0] in (".", "..") for segment in decoded.split("/")):
        return f"{path!r} contains the segment '.' or '..'"
    if not _IN_URL_PATH.fullmatch(path):
        return f"{path!r} contains characters that must be percent-encoded, in names twice"
    return ""


def _fully_decoded(path: str) -> str:
    while (decoded := unquote(path)) != path:
        path = decoded
    return decoded
