"""How a request says who it is."""

from __future__ import annotations

import base64

from requests import PreparedRequest
from requests.auth import AuthBase

__all__ = ["CheckmkAuth"]


class CheckmkAuth(AuthBase):
    """``Bearer USER SECRET``, or Basic for what a Bearer header cannot carry.

    An ``AuthBase`` and not a header of the session: requests lets an entry of ``~/.netrc`` replace the
    latter. Checkmk decodes Basic as UTF-8, while header values are Latin-1 and lose blanks at their end.
    """

    def __init__(self, username: str, secret: str) -> None:
        bearer = f"Bearer {username} {secret}"
        try:
            bearer.encode("latin-1")
            fits = bearer == bearer.strip() and not secret.startswith(" ")
        except UnicodeEncodeError:
            fits = False
        basic = base64.b64encode(f"{username}:{secret}".encode()).decode()
        self._header = bearer if fits else f"Basic {basic}"

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        request.headers["Authorization"] = self._header
        return request

    def __repr__(self) -> str:
        return "CheckmkAuth()"
