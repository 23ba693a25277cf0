"""The record type for the behaviour of the server with the objects of one noun."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable, Iterable, Mapping, Optional

from ..configuration import Configuration
from ..endpoints import Context, SiteState
from ..replies import Problem
from ..validation import Check, Field

__all__ = ["Behaviour", "Values", "alias_refusal"]

Values = Mapping[str, Any]


def _not_found(_context: Context, key: str) -> Problem:
    return Problem(404, "Not Found", repr(key))


def _conflict(_key: str, usages: list[str]) -> Problem:
    return Problem(409, "Conflict", f"The object is still in use by: {', '.join(usages)}")


@dataclass(frozen=True)
class Behaviour:
    """The behaviour of the server for one noun. The defaults are the standard behaviour.

    Reading needs ``permission``, and writing also ``wato.edit``. ``parameter`` names the key in errors about the URL.
    ``taken`` is the error for the key of a new object that exists, and ``absent`` for a key in a body that does not.
    ``missing`` returns the answer if the key in the URL does not exist. With ``found_first``, it comes before all other
    refusals. ``protected`` returns the answer to a write of a built-in object, or None if such a write is allowed.

    ``checks`` returns additional checks of fields, ``further`` returns fields that the row does not have, and
    ``update_check`` checks the complete body of an update. ``refuse`` raises refusals that depend on other objects.
    ``options`` are the checks of arguments that are not fields, such as ``repair``. If ``is_forced`` is True, an object
    in use is deleted. The links of an object lead to its deletion if it is ``deletable``. ``key_after`` returns the key
    after a write; its last argument is the key before, or None for a new object without one. ``after_write`` gets the
    values before and after a write, or None if the object did not exist.

    ``unknown`` is the error for unknown fields, if it is another than usual. With ``permission_first``, a missing
    permission is answered with 403 before anything else. An update keeps the members of the fields ``merges`` that it
    does not name.

    ``complete`` returns values as the server stores them. ``extensions`` returns values as answers show them; its last
    argument is False in lists. ``usages`` lists the users of an object, and ``in_use`` returns the answer to deleting
    an object with users. ``shows_etag`` returns True if a GET answers with an ETag. Without ``checks_etags``, no answer
    has an ETag, and If-Match is ignored.

    ``body`` returns the fields of requests that create or change an object, instead of those of the row. If it
    ``deletes_absent``, deleting an object that does not exist is no error.

    ``query`` returns the query parameters of lists besides those that the row has for fields. ``listed`` returns the
    keys of the objects in a list, in their order; by default, it compares the fields. ``counted`` is the member of a
    list with the number of its objects. An update empties the members ``replaced`` if its body does not have them.
    """

    permission: str = ""
    parameter: str = "name"
    taken: str = "{!r} already exists."
    absent: str = "{!r} does not exist."
    missing: Callable[[Context, str], Problem] = _not_found
    found_first: bool = False
    protected: Callable[[Context, str], Optional[Problem]] = lambda _context, _key: None
    checks: Callable[[SiteState], Mapping[str, Check]] = lambda _state: {}
    further: Callable[[SiteState], Mapping[str, Field]] = lambda _state: {}
    update_check: Optional[Check] = None
    refuse: Callable[[Context, str, Values], None] = lambda _context, _key, _values: None
    complete: Callable[[Context, Values], Values] = lambda _context, values: values
    extensions: Callable[[Context, Values, bool], Values] = lambda _context, values, _is_single: values
    usages: Callable[[Configuration, str], list[str]] = lambda _configuration, _key: []
    in_use: Callable[[str, list[str]], Problem] = _conflict
    options: Mapping[str, Check] = field(default_factory=dict)
    is_forced: Callable[[Context], bool] = lambda _context: False
    unknown: str = ""
    permission_first: bool = False
    merges: tuple[str, ...] = ()
    deletable: Callable[[str], bool] = lambda _key: True
    key_after: Callable[[Context, Optional[str]], str] = lambda _context, key: str(key)
    after_write: Callable[[Context, str, Optional[Values], Optional[Values]], None] = lambda *_: None
    shows_etag: Callable[[Context], bool] = lambda _context: True
    checks_etags: bool = True
    query: Callable[[SiteState], Mapping[str, Field]] = lambda _state: {}
    listed: Callable[[Context, Iterable[str]], list[str]] = lambda _context, keys: list(keys)
    counted: str = ""
    replaced: tuple[str, ...] = ()
    body: Optional[Callable[[SiteState], Mapping[str, Field]]] = None
    deletes_absent: bool = False


_ALIAS_OWNERS: Mapping[str, str] = {
    "host_groups": "the host group",
    "service_groups": "the service group",
    "contact_groups": "the contact group",
    "time_periods": "timeperiod",
}


def alias_refusal(configuration: Configuration, noun: str, key: str, alias: str) -> str:
    """Return the text of the refusal of an alias that another object has, or an empty string."""
    # Checkmk: groups and time periods share one set of aliases (cmk/gui/watolib/groups.py, is_alias_used).
    for owner, text in _ALIAS_OWNERS.items():
        for name, values in configuration.objects[owner].items():
            if values["alias"] == alias and (owner, name) != (noun, key):
                return f"This alias is already used in {text} {name}."
    return ""
