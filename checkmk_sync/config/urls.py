"""Checks of the URLs of servers, proxies and Redis."""

from __future__ import annotations

from typing import Optional
from urllib.parse import SplitResult, parse_qs, urlsplit

import requests

from ..core.redaction import hide_userinfo
from ..errors import SettingsError


def checked_server_url(text: str) -> str:
    """Return a server URL in its normal form: ``https://host[:port][/prefix]``.

    The host is in lower case; a default port and a trailing slash are removed. Raises SettingsError if the URL is not
    valid, or contains credentials, a query or a path of the API.
    """
    parts = _split(text.strip() if isinstance(text, str) else "")
    if parts is None or parts.scheme not in ("http", "https") or not _is_usable(f"{parts.scheme}://{parts.netloc}"):
        shown = hide_userinfo(str(text))
        raise SettingsError(f"{shown!r} is not a server URL such as https://monitoring.example.com", field="server_url")
    if parts.username is not None or parts.password is not None:
        raise SettingsError("the server URL must not contain a user or a password", field="server_url")
    if parts.query or parts.fragment or "/check_mk" in parts.path:
        raise SettingsError("the server URL must end before the site; use https://HOST", field="server_url")
    # One spelling per server, because the URL identifies the site in the cache and in plans.
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    port = "" if parts.port in (None, {"http": 80, "https": 443}[parts.scheme]) else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}{parts.path.rstrip('/')}"


def check_proxy(text: str) -> str:
    """Return the scheme of the URL of a proxy. Raises SettingsError if ``text`` is not such a URL."""
    scheme = getattr(_split(text), "scheme", "")
    if scheme not in ("http", "https", "socks4", "socks4a", "socks5", "socks5h"):
        # The value may contain a password, so the message does not quote it.
        raise SettingsError("proxy must be a URL such as http://proxy:3128", field="proxy")
    return scheme


def check_redis_url(text: str) -> None:
    """Raise SettingsError if ``text`` is not a URL, or contains a password."""
    try:
        parts = urlsplit(text)
        has_password = parts.password is not None or "password" in parse_qs(parts.query)
    except ValueError:
        message = "redis_url must be a URL such as redis://localhost:6379/0"
        raise SettingsError(message, field="redis_url") from None  # the value may contain a password
    if has_password:
        raise SettingsError("redis_url must not contain a password; use redis_password_file", field="redis_url")


def _split(text: str) -> Optional[SplitResult]:
    """Return the parts of a URL, or None if it has no valid host or an invalid port."""
    try:
        parts = urlsplit(text)
        host = parts.hostname or ""
        host.encode("idna")  # UnicodeError, a ValueError, for empty or overlong labels
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
