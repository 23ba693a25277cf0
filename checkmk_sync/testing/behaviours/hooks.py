"""The parts of the behaviour of the server that subclasses of :class:`Behaviour` override."""

from __future__ import annotations

from typing import Any, Iterable, Mapping, Optional

from ..configuration import Configuration
from ..endpoints import EDIT, Context, SiteState
from ..replies import Problem
from ..validation import Check, Field

Values = Mapping[str, Any]


class Hooks:
    """The behaviour of the server that can differ between nouns. The defaults are the standard behaviour.

    Reading needs ``permission``, and writing also ``wato.edit``. ``parameter`` names the key in errors about the URL.
    ``taken`` is the error for a new object with a key that exists, and ``absent`` for an unknown key in a body. With
    ``found_first``, the refusal of a missing object comes before all others, and with ``permission_first`` the refusal
    for a missing permission. ``unknown`` replaces the usual error for unknown fields.

    An update keeps the members of the fields ``merges`` that it does not name, and empties the fields ``replaced``. If
    ``checks_etags`` is False, no answer has an ETag, and If-Match is ignored. ``counted`` is the member of a list with
    the number of its objects.
    """

    permission = "general.use"
    parameter = "name"
    taken = "{!r} already exists."
    absent = "{!r} does not exist."
    unknown = ""
    found_first = permission_first = False
    checks_etags = True
    merges: tuple[str, ...] = ()
    replaced: tuple[str, ...] = ()
    counted = ""

    def missing(self, context: Context, key: str) -> Problem:
        """Return the answer for a key in the URL that does not exist."""
        return Problem(404, "Not Found", repr(key))

    def protect(self, context: Context, key: str) -> None:
        """Raise the answer to a write of a built-in object, if such a write is not allowed."""

    def checks(self, state: SiteState) -> dict[str, Check]:
        """Return additional checks of fields, by name."""
        return {}

    def further(self, state: SiteState) -> dict[str, Field]:
        """Return additional fields, which the row does not have."""
        return {}

    def update_check(self, body: Values) -> Any:
        """Return the errors of the complete body of an update."""
        return None

    def refuse(self, context: Context, key: str, values: Values) -> None:
        """Raise a refusal that depends on other objects."""

    def complete(self, context: Context, values: Values) -> Values:
        """Return the values as the server stores them."""
        return values

    def extensions(self, context: Context, values: Values, *, is_single: bool) -> Values:
        """Return the stored values as answers show them. ``is_single`` is False in lists."""
        return values

    def usages(self, configuration: Configuration, key: str) -> list[str]:
        """Return texts that name the users of an object. An object with users cannot be deleted."""
        return []

    def is_forced(self, context: Context) -> bool:
        """Return True if an object is deleted even if it has users."""
        return False

    def in_use(self, key: str, usages: list[str]) -> Problem:
        """Return the refusal to delete an object with users."""
        return Problem(409, "Conflict", f"The object is still in use by: {', '.join(usages)}")

    def shows_etag(self, context: Context) -> bool:
        """Return True if the answer to a GET has an ETag."""
        return True

    def deletable(self, key: str) -> bool:
        """Return True if the links of an object lead to its deletion."""
        return True

    def key_after(self, context: Context, key: Optional[str]) -> str:
        """Return the key of an object after a write. ``key`` is None for a new object without a key."""
        return str(key)

    def after_write(self, context: Context, key: str, before: Optional[Values], after: Optional[Values]) -> None:
        """Update other objects. ``before`` and ``after`` are None if the object does not exist."""

    def query(self, state: SiteState) -> dict[str, Field]:
        """Return the query parameters of lists that are not fields."""
        return {}

    def listed(self, context: Context, keys: Iterable[str]) -> Iterable[str]:
        """Return the keys of the objects in a list, in their order."""
        return keys

    def permissions(self, verb: str) -> tuple[str, ...]:
        """Return the permissions that an operation needs."""
        return (self.permission,) if verb in ("list", "get") else (*EDIT, self.permission)
