"""Sets and removes the logins of users."""

from __future__ import annotations

from typing import Any, Mapping

from ...catalogue.nouns import User
from ..collection import Collection
from ..resource import writes


class Users(Collection[User]):
    """The users, as ``client.users``. The site never returns a password or secret.

    ``password`` is the password of a person. With ``auth_type="automation"``, it is the secret of a program. A change
    of one of these fields turns a user of LDAP or SAML into a local user, so they are sent only if they are given.
    """

    @writes
    def remove_login(self, key: str) -> User:
        """Remove the password or secret of a user, and return the user."""
        return self._change(
            key,
            "update",
            lambda before: {"auth_option": {"auth_type": "remove"}} if before.auth_type else {},
            lambda _there, found, *_: not found.auth_type,
        )

    def _creation_body(self, record: User, /) -> Mapping[str, Any]:
        return _with_login(super()._creation_body(record), None)

    def _update_body(self, before: User, changes: Mapping[str, Any], /) -> Mapping[str, Any]:
        body = _with_login(super()._update_body(before, changes), before.auth_type)
        login = body.get("auth_option", {})
        if "secret" in login and before.store_automation_secret:  # a new secret resets it
            login.setdefault("store_automation_secret", True)
        return body


def _with_login(body: Mapping[str, Any], auth_type: Any) -> Mapping[str, Any]:
    """Return a body in which ``auth_option`` is complete. ``auth_type`` is its value before, or None."""
    if "auth_option" not in body:
        return body
    login = {"auth_type": "automation" if auth_type == "automation" else "password", **body["auth_option"]}
    if login["auth_type"] == "automation" and "password" in login:
        login["secret"] = login.pop("password")
    return {**body, "auth_option": login}
