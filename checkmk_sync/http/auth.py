"""The Authorization header of a client."""

from __future__ import annotations

import base64

__all__ = ["CheckmkAuth"]


class CheckmkAuth:
    """The value of the header: ``Bearer USER SECRET``, or Basic if a Bearer header cannot carry the credentials.

    It is an object with its own ``repr``, so that the ``repr`` of its owner does not show the secret.
    """

    def __init__(self, username: str, secret: str) -> None:
        # Header values are Latin-1 and lose spaces at their end. Checkmk decodes Basic credentials as UTF-8.
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
