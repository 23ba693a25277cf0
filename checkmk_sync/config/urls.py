"""URLs of servers, proxies and Redis: what they may look like."""

from __future__ import annotations

from typing import Optional
from urllib.parse import SplitResult, parse_qs, urlsplit

import requests

from ..core.redaction import hide_userinfo
from ..errors import SettingsError

__all__ = ["check_proxy", "check_redis_url", "checked_server_url"]


def checked_server_url(text: str) -> str:
    """``https://host[:port][/prefix]`` in small letters, without a last slash; a site or API path is a mistake."""
    parts = _split(text.strip() if isinstance(text, str) else "")
    if parts is None or parts.scheme not in ("http", "https") or not _is_usable(f"{parts.scheme}://{parts.netloc}"):
        shown = hide_userinfo(str(text))
        raise SettingsError(f"{shown!r} is not a server URL such as https://monitoring.example.com", field="server_url")
    if parts.username is not None or parts.password is not None:
        raise SettingsError("the server URL must not hold a user or a password", field="server_url")
    if parts.query or parts.fragment or "/check_mk" in parts.path:
        raise SettingsError("the server URL ends before the site: https://HOST, without path", field="server_url")
    # Written in one way only, for it says whose answers are whose.
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    port = "" if parts.port in (None, {"http": 80, "https": 443}[parts.scheme]) else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}{parts.path.rstrip('/')}"


def check_proxy(text: str) -> None:
    parts = _split(text)
    if parts is None or parts.scheme not in ("http", "https", "socks4", "socks4a", "socks5", "socks5h"):
        # What was given may hold a password.
        raise SettingsError("proxy must be a URL such as http://proxy:3128", field="proxy")


def check_redis_url(text: str) -> None:
    try:
        parts = urlsplit(text)
        has_password = parts.password is not None or "password" in parse_qs(parts.query)
    except ValueError:
        message = "redis_url must be a URL such as redis://localhost:6379/0"
        raise SettingsError(message, field="redis_url") from None  # what was given may hold a password
    if has_password:
        raise SettingsError("a password does not belong into redis_url: use redis_password_file", field="redis_url")


def _split(text: str) -> Optional[SplitResult]:
    """The parts of a URL; None unless it has a host, and a port that can be one."""
    try:
        parts = urlsplit(text)
        host = parts.hostname or ""
        host.encode("idna")  # no name has empty labels or very long ones
        is_name = len(host.split()) == 1 and not host.startswith((".", "*"))
        return parts if is_name and parts.port != 0 else None
    except ValueError:
        return None


def _is_usable(url: str) -> bool:
    try:
        requests.Request("GET", url).prepare()
    except requests.RequestException:
        return False
    return True
