"""Authentication: the parsing of the Authorization header, with the rules of Checkmk."""

from __future__ import annotations

import base64
import hmac
import re
from typing import Callable, Mapping

from .configuration import User
from .replies import Problem

_USERNAME = re.compile(r"[\w$][-@.+\w$]*")


def _base64(token: str) -> str:
    return base64.b64decode(token).decode("utf-8")


# For each scheme: the decoder of the credentials, and the separator of name and password.
_SCHEMES: Mapping[str, tuple[Callable[[str], str], str]] = {"Basic": (_base64, ":"), "Bearer": (str, " ")}


def authenticate(header: str, users: Mapping[str, User]) -> User:
    """Return the user in a header. Raises Problem 401 if the header names no user or has a wrong password."""
    for scheme, (decode, separator) in _SCHEMES.items():
        if header.startswith(f"{scheme} "):
            try:
                # Checkmk ignores everything after a second "Bearer ".
                name, password = decode(header.split(f"{scheme} ")[1].strip()).split(separator, 1)
            except ValueError:
                raise _unauthorized(f"Invalid {scheme} token") from None
            return _verified(users, name, password, scheme)
    raise _unauthorized("You need to be logged in to access this resource.")


def _verified(users: Mapping[str, User], name: str, password: str, scheme: str) -> User:
    if not name:
        raise _unauthorized("Empty user not allowed.")
    if not _USERNAME.fullmatch(name):
        raise _unauthorized("Illegal username.")
    if not password:
        raise _unauthorized("Invalid password: Password must not be empty")
    if "\0" in password:
        raise _unauthorized("Invalid password: Password must not contain null bytes")
    user = users.get(name)
    if user is not None and user.is_locked:
        raise _unauthorized("User is locked")
    if user is None or not hmac.compare_digest(user.password.encode(), password.encode()):
        if user is not None:
            user.failures += 1
        raise _unauthorized(f"Wrong credentials ({scheme} header)")
    if user.must_change_password:
        raise _unauthorized("Password change is required.")
    return user


def _unauthorized(detail: str) -> Problem:
    return Problem(401, "Unauthorized", detail)
