"""The behaviour of host tag groups."""

from __future__ import annotations

import dataclasses
import re
from typing import Any, Mapping, Optional, Sequence

from werkzeug.wrappers import Response

from ..configuration import Configuration, FolderConfig, HostConfig
from ..endpoints import Context, Fields, SiteState
from ..replies import Problem, bad_fields
from ..validation import REQUIRED, Check, Field, list_of, member_of, object_with, refined, string
from .hooks import Values
from .standard import Behaviour

_BUILTIN = frozenset({"address_family", "agent", "piggyback", "snmp_ds"})
_REMOVED: Any = object()
_TAG_ID = re.compile(r"[-0-9a-zA-Z_]+\Z")
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
    repeated = next((name for index, name in enumerate(ids) if name in ids[:index]), _REMOVED)
    return (
        None
        if repeated is _REMOVED
        else (f"Tags IDs must be unique. You've used the following at least twice: {repeated!r}")
    )


# Objects that use a tag


def _changed_tags(before: Values, after: Values) -> dict[Optional[str], Any]:
    """Return the tags that an update renames or removes, each with its new ID or _REMOVED."""
    remaining = {tag["id"] for tag in after["tags"]}
    # Checkmk: a tag with the same title and another ID is renamed.
    by_title = {tag["title"]: tag["id"] for tag in after["tags"]}
    changes: dict[Optional[str], Any] = {}
    for tag in before["tags"]:
        old = tag["id"]
        new = by_title.get(tag["title"], old)
        if new != old:
            changes[old] = new
        elif old is not None and old not in remaining:
            changes[old] = _REMOVED
    return changes


_Changes = Mapping[Optional[str], Any]


def _condition(rule: Values, group: str) -> Optional[Values]:
    """Return the condition of a rule on a group, or None."""
    conditions = rule.get("conditions", {}).get("host_tags", ())
    return next((condition for condition in conditions if condition["key"] == group), None)


def _users(
    configuration: Configuration, group: str, changes: Optional[_Changes] = None
) -> tuple[list[FolderConfig], list[HostConfig], dict[str, Values]]:
    """Return the folders, hosts and rules that use a group, or one of the tags ``changes`` if they are given."""

    def is_used(values: Optional[Values], name: str) -> bool:
        if values is None or name not in values:
            return False
        # Checkmk: conditions with several tags stay as they are if one of the tags changes.
        return changes is None or (not isinstance(values[name], list) and values[name] in changes)

    attribute = f"tag_{group}"
    return (
        [folder for folder in configuration.folders.values() if is_used(folder.attributes, attribute)],
        [host for host in configuration.hosts.values() if is_used(host.attributes, attribute)],
        {
            key: rule
            for key, rule in configuration.objects["rules"].items()
            if is_used(_condition(rule, group), "value")
        },
    )


class TagGroups(Behaviour):
    """The behaviour of host tag groups."""

    permission = "wato.hosttags"
    taken = "The specified tag group id is already in use: {!r}"
    found_first = True

    def checks(self, state: SiteState) -> dict[str, Check]:
        objects = state.configuration.objects
        used = "The specified tag group id is already in use: {!r}"

        def problem(key: str) -> Optional[str]:
            if not _TAG_ID.match(key) or key[0].isdigit() or key[0] == "-":
                return _ID_RULE.format(key)
            return used.format(key) if key in objects["aux_tags"] else None

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
            title, verb = ("modified", "modified") if context.endpoint.method == "PUT" else ("delete", "deleted")
            raise Problem(405, f"Built-in cannot be {title}", f"The built-in host tag group {key} cannot be {verb}")

    def usages(self, configuration: Configuration, key: str) -> list[str]:
        folders, hosts, rules = _users(configuration, key)
        names = {
            "folders": [folder.name for folder in folders],
            "hosts": [host.name for host in hosts],
            "rulesets": sorted({rule["ruleset"] for rule in rules.values()}),
        }
        return [f"{kind} ({', '.join(found)})" for kind, found in names.items() if found]

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
        changes = _changed_tags(before, self.complete(context, values))
        if any(_users(context.configuration, key, changes)):
            title = f'Updating this host tag group "{key}" requires additional authorization'
            text = "The host tag group you intend to edit is used by other instances. You must authorize Checkmk to"
            raise Problem(401, title, f"{text} update the relevant instances using the repair parameter")

    def after_write(self, context: Context, key: str, before: Optional[Values], after: Optional[Values]) -> None:
        configuration = context.configuration
        configuration.apply_tag_groups()
        name = f"tag_{key}"
        if before is None:
            return
        changes = None if after is None else _changed_tags(before, after)
        folders, hosts, rules = _users(configuration, key, changes)

        def repaired(values: Values, name: str) -> dict[str, Any]:
            new = _REMOVED if changes is None else changes[values[name]]
            rest = {other: value for other, value in values.items() if other != name}
            return rest if new is _REMOVED else {**rest, name: new}

        for folder in folders:
            repaired_folder = dataclasses.replace(folder, attributes=repaired(folder.attributes, name))
            configuration.folders[folder.path] = repaired_folder
        for host in hosts:
            configuration.hosts[host.name] = dataclasses.replace(host, attributes=repaired(host.attributes, name))
        for rule_id, rule in rules.items():
            condition = _condition(rule, key)
            assert condition is not None
            # Checkmk: a rule with a negated condition stays.
            is_negated = condition.get("operator") in ("is_not", "none_of")
            if after is None and context.query.get("mode") != "remove" and not is_negated:
                del configuration.objects["rules"][rule_id]
                continue
            others = [other for other in rule["conditions"]["host_tags"] if other is not condition]
            new = repaired(condition, "value")
            others += [new] if "value" in new else []
            conditions = {**rule["conditions"], "host_tags": others}
            configuration.objects["rules"][rule_id] = {**rule, "conditions": conditions}
