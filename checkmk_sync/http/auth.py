"""The Authorization header."""

from __future__ import annotations

import base64

__all__ = ["CheckmkAuth"]


class CheckmkAuth:
    """``Bearer USER SECRET``, or Basic where a Bearer header cannot carry the name or the secret.

    An object, so that the ``repr`` of its owner does not show the secret. Checkmk decodes Basic as UTF-8, while header
    values are Latin-1 and lose blanks at their end.
    """

    def __init__(self, username: str, secret: str) -> None:
        bearer = f"Bearer {username} {secret}"
        try:
            bearer.encode("latin-1")
            fits = bearer == bearer.strip() and not secret.startswith(" ")
        except UnicodeEncodeError:
            fits = False
        basic = base64.b64encode(f"{username}:{secret}".encode()).decode()
        self.header = bearer if fits else f"Basic {basic}"

    def __repr__(self) -> str:
        return "CheckmkAuth()"
