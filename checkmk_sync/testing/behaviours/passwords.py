"""The behaviour of the password store."""

from __future__ import annotations

import re

from ..endpoints import Context, SiteState
from ..replies import Problem
from ..validation import Check, Field, list_of, member_of, refined, string
from .hooks import Values
from .standard import Behaviour

_RENAMED = "2.3.0p23"  # this version renamed owner to editable_by, and still accepts owner (CHECKMK_API 10.13)
_IDENT = re.compile(r"[a-zA-Z_][-a-zA-Z0-9_]*\Z")
_IDENT_RULE = (
    "{!r} does not match pattern. An identifier must only consist of letters, digits, dash and underscore and it must "
    "start with a letter or underscore."
)
_UNKNOWN_GROUP = "Specified contact group does not exist or you do not have the necessary permissions: {!r}"
_NOT_SHARED = "The password cannot be shared with specified group: {!r}"


def _owner(state: SiteState) -> Check:
    return member_of({"admin", *state.configuration.objects["contact_groups"]}, _UNKNOWN_GROUP)


class Passwords(Behaviour):
    """The behaviour of the password store."""

    permission = "wato.passwords"
    taken = "Identifier {!r} already exists."

    def checks(self, state: SiteState) -> dict[str, Check]:
        return {
            "ident": refined(string, lambda ident: None if _IDENT.match(ident) else _IDENT_RULE.format(ident)),
            "editable_by": _owner(state),
            "owner": _owner(state),
            "shared": list_of(member_of({"all", *state.configuration.objects["contact_groups"]}, _NOT_SHARED)),
        }

    def further(self, state: SiteState) -> dict[str, Field]:
        return {"owner": Field(_owner(state))} if state.profile.version.at_least(_RENAMED) else {}

    def refuse(self, context: Context, key: str, values: Values) -> None:
        if {"owner", "editable_by"} <= context.body.keys():
            raise Problem(400, "Bad Request", "Invalid request")

    def complete(self, context: Context, values: Values) -> Values:
        stored = {"comment": "", "documentation_url": "", "shared": [], "editable_by": "admin", **values}
        stored["editable_by"] = stored.pop("owner", stored["editable_by"])
        return stored

    def extensions(self, context: Context, values: Values, *, is_single: bool) -> Values:
        shown = {name: value for name, value in values.items() if name not in ("password", "editable_by")}
        shown["owned_by"] = values["editable_by"]
        if context.profile.version.at_least(_RENAMED):
            shown["editable_by"] = values["editable_by"]
        return shown

    def missing(self, context: Context, key: str) -> Problem:
        detail = "The password you asked for is not known. Please check for eventual misspellings."
        return Problem(404, f'Password "{key}" is not known.', detail)

    def shows_etag(self, context: Context) -> bool:
        return context.profile.version.at_least("2.3.0b1")  # CHECKMK_API 7: up to 2.2, a GET has no ETag
