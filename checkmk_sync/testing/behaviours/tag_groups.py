"""The behaviour of host tag groups."""

from __future__ import annotations

import re
from typing import Any, Optional, Sequence

from werkzeug.wrappers import Response

from ..configuration import Configuration
from ..endpoints import Context, Fields, SiteState
from ..replies import Problem, bad_fields
from ..tag_uses import REMOVED, TagUses
from ..validation import REQUIRED, Check, Field, list_of, member_of, object_with, refined, string
from .hooks import Values
from .standard import Behaviour

_BUILTIN = frozenset({"address_family", "agent", "piggyback", "snmp_ds"})
_TAG_ID = re.compile(r"[a-zA-Z_][-0-9a-zA-Z_]*\Z")
_ID_RULE = "Invalid tag ID: {!r}. Only the characters a-z, A-Z, 0-9, _ and - are allowed."


def _id_names(state: SiteState) -> tuple[str, ...]:
    """Return the names that requests can use for IDs."""
    # Werk 16364: sites have ``id`` since 2.2.0p22, and ``ident`` up to 2.3.
    is_in = state.profile.version.is_between
    return (*(["id"] if is_in("2.2.0p22", None) else []), *(["ident"] if is_in(None, "2.4.0b1") else []))


def _tags_problem(tags: Sequence[Values]) -> Optional[str]:
    ids = [tag.get("id", tag.get("ident")) for tag in tags]
    if ids == [None]:
        return "Cannot use an empty tag ID for single entry"
    repeated = [name for index, name in enumerate(ids) if name in ids[:index]]
    return f"Tags IDs must be unique. You've used the following at least twice: {repeated[0]!r}" if repeated else None


def _changes(before: Values, after: Values) -> dict[Optional[str], Any]:
    """Return the tags that an update renames or removes, each with its new ID or REMOVED."""
    # Checkmk: a tag with the same title and another ID is renamed.
    by_title = {tag["title"]: tag["id"] for tag in after["tags"]}
    new = {tag["id"]: by_title.get(tag["title"], REMOVED) for tag in before["tags"]}
    left = {None, *by_title.values()}
    return {old: found for old, found in new.items() if found != old and (found is not REMOVED or old not in left)}


class TagGroups(Behaviour):
    """The behaviour of host tag groups."""

    permission = "wato.hosttags"
    taken = "The specified tag group id is already in use: {!r}"
    found_first = True

    def checks(self, state: SiteState) -> dict[str, Check]:
        objects = state.configuration.objects

        def problem(key: str) -> Optional[str]:
            if not _TAG_ID.match(key):
                return _ID_RULE.format(key)
            return self.taken.format(key) if key in objects["aux_tags"] else None

        aux_tag = member_of(objects["aux_tags"], "The aux_tag {!r} should exist but it doesn't.")
        tag = {
            **{name: Field(string, nullable=True) for name in _id_names(state)},
            "title": Field(string, REQUIRED),
            "aux_tags": Field(list_of(aux_tag)),
        }
        return {
            _id_names(state)[0]: refined(string, problem),
            "tags": refined(list_of(object_with(tag), least=1), _tags_problem),
        }

    def bodies(self) -> dict[str, Fields]:
        return {**super().bodies(), "create": self._fields_of_both_forms}

    def _fields_of_both_forms(self, state: SiteState) -> dict[str, Field]:
        fields, (name, *others) = self._new_fields(state), _id_names(state)
        return {**fields, **{other: Field(fields[name].check) for other in (name, *others)}} if others else fields

    def create(self, context: Context) -> Response:
        name, *others = _id_names(context.state)
        for other in others:
            context.body.setdefault(name, context.body.pop(other, None))
        if context.body.get(name) is None:
            raise bad_fields({name: ["Missing data for required field."]})
        return super().create(context)

    def complete(self, context: Context, values: Values) -> Values:
        tags = [
            {"id": tag.get("id", tag.get("ident")), "title": tag["title"], "aux_tags": tag.get("aux_tags", [])}
            for tag in values["tags"]
        ]
        return {"topic": "Tags", "help": "", **values, "tags": tags}

    def missing(self, context: Context, key: str) -> Problem:
        return bad_fields({"name": [f"Host tag group missing: {key!r}"]}, 404)

    def protect(self, context: Context, key: str) -> None:
        if key in _BUILTIN:
            title, done = ("modified", "modified") if context.endpoint.method == "PUT" else ("delete", "deleted")
            raise Problem(405, f"Built-in cannot be {title}", f"The built-in host tag group {key} cannot be {done}")

    def usages(self, configuration: Configuration, key: str) -> list[str]:
        return TagUses(configuration, key).texts()

    def in_use(self, key: str, usages: list[str]) -> Problem:
        title = f'Deleting this host tag group "{key}" requires additional authorization'
        used = f"The host tag group you intend to delete is used in the following occurrences: {', '.join(usages)}."
        how = "You must authorize Checkmk to update the relevant instances using the repair or mode parameters"
        return Problem(401, title, f"{used} {how}")

    def is_forced(self, context: Context) -> bool:
        repair, mode = context.query.get("repair"), context.query.get("mode")
        if repair and mode:
            text = "Cannot use both repair and mode"
            raise Problem(400, text, f"{text} at the same time")
        return bool(repair) or mode in ("delete", "remove")

    def refuse(self, context: Context, key: str, values: Values) -> None:
        before = context.configuration.objects["tag_groups"].get(key)
        if before is None or context.body.get("repair"):
            return
        if TagUses(context.configuration, key, _changes(before, self.complete(context, values))):
            title = f'Updating this host tag group "{key}" requires additional authorization'
            text = "The host tag group you intend to edit is used by other instances. You must authorize Checkmk to"
            raise Problem(401, title, f"{text} update the relevant instances using the repair parameter")

    def after_write(self, context: Context, key: str, before: Optional[Values], after: Optional[Values]) -> None:
        context.configuration.apply_tag_groups()
        if before is not None:
            changes = None if after is None else _changes(before, after)
            deletes_rules = after is None and context.query.get("mode") != "remove"
            TagUses(context.configuration, key, changes).repair(deletes_rules=deletes_rules)
