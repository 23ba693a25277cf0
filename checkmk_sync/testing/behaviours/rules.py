"""The behaviour of rules and rulesets (source: cmk/gui/openapi/endpoints/rule, cmk/gui/watolib/rulesets.py)."""

from __future__ import annotations

import ast
import re
from typing import Any, Iterable, Mapping, Optional

from werkzeug.wrappers import Response

from ..builtin_objects import BUILTIN_OBJECTS
from ..configuration import Configuration
from ..endpoints import Context, Fields, SiteState
from ..references import existing_folder
from ..replies import Problem, bad_fields
from ..shapes import check_at
from ..validation import REQUIRED, Check, Field, boolean, member_of, parsed_by, pattern, string
from .hooks import Values
from .standard import Behaviour

_RULESETS = BUILTIN_OBJECTS["rulesets"]
_GROUPS_SINCE, _MASK = "2.3.0b1", "******"
_AND = {"operator": "and"}  # the default between labels, and between groups of them

# The keys that values can contain. For other rulesets, only the type of a value is checked.
_VALUE_KEYS: Mapping[str, frozenset[str]] = {
    "checkgroup_parameters:memory_linux": frozenset(f"levels_{part}" for part in ("ram", "swap", "total", "virtual")),
    "active_checks:http": frozenset(("name", "host", "mode", "disable_sni")),
}


# Conditions


def _conditions(state: SiteState) -> Check:
    check = check_at(state.profile.version, "rules", "conditions")
    return lambda value: check(value) or _refuse_both(value)


def _refuse_both(conditions: Values) -> Any:
    for kind in ("host", "service"):
        old, new = f"{kind}_labels", f"{kind}_label_groups"
        if conditions.get(old) and conditions.get(new):
            return {"_schema": [f"Please provide the field '{old}' OR '{new}', not both."]}
    return None


def _stored_labels(context: Context, kind: str, conditions: Values) -> Values:
    """Return the conditions for labels with all operators, in the form of the version."""
    labels = conditions.get(f"{kind}_labels", ())
    if not context.profile.version.at_least(_GROUPS_SINCE):
        return {f"{kind}_labels": [{"operator": "is", **label} for label in labels]}
    entries = [
        {"operator": "not" if label["operator"] == "is_not" else "and", "label": f"{label['key']}:{label['value']}"}
        for label in labels
    ]
    groups = [{"label_group": entries}] if entries else conditions.get(f"{kind}_label_groups", ())
    joined = [
        {**_AND, **group, "label_group": [{**_AND, **entry} for entry in group["label_group"]]} for group in groups
    ]
    return {f"{kind}_label_groups": joined}


def _stored_conditions(context: Context, ruleset: str, conditions: Values) -> Values:
    """Return conditions without those that the ruleset does not have: Checkmk drops them silently."""
    stored = {"host_tags": conditions.get("host_tags", [])}
    for kind, name in (("host", "host_name"), ("service", "service_description")):
        kept = conditions if kind == "host" or _RULESETS[ruleset]["item_type"] else {}
        stored.update(_stored_labels(context, kind, {} if ruleset == f"{kind}_label_rules" else kept))
        stored.update({name: kept[name]} if name in kept else {})
    return stored


# Rules


def _rules_in(configuration: Configuration, ruleset: str, folder: Optional[str]) -> list[str]:
    """Return the IDs of the rules of a ruleset in one folder, from the top, or in all folders."""
    rules = configuration.objects["rules"].items()
    return [key for key, rule in rules if rule["ruleset"] == ruleset and folder in (None, rule["folder"])]


def _masked(value: Any) -> Any:
    """Return a value with masks in place of its passwords, which Checkmk stores in two forms."""
    if isinstance(value, dict):
        return {name: _masked(entry) for name, entry in value.items()}
    if not isinstance(value, (list, tuple)):
        return value
    if value[:1] == ("password",) and len(value) == 2:
        return ("password", _MASK)
    if value[:2] == ("cmk_postprocessed", "explicit_password") and len(value) == 3 and isinstance(value[2], tuple):
        return (*value[:2], (*value[2][:1], _MASK))
    return type(value)(map(_masked, value))


def _read(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (SyntaxError, TypeError, RecursionError, MemoryError) as error:
        raise ValueError(error) from None


def _by_quick_setup(detail: str) -> Problem:
    return Problem(400, "Rule is managed by Quick setup", detail)


def _unknown_ruleset(name: str, status: int = 400) -> Problem:
    return Problem(status, "Unknown ruleset.", f"The ruleset of name {name!r} is not known.")


_POSITIONS = ("top_of_folder", "bottom_of_folder", "before_specific_rule", "after_specific_rule")


def _position(state: SiteState) -> dict[str, Field]:
    return {
        "position": Field(member_of(_POSITIONS, "Unsupported value: {}"), REQUIRED),
        "folder": Field(existing_folder(state)),
        "rule_id": Field(string),
    }


class Rules(Behaviour):
    """The behaviour of rules."""

    permission = "wato.rulesets"
    counted = "found_rules"
    replaced = ("conditions", "properties")
    checks_etags = False

    def checks(self, state: SiteState) -> dict[str, Check]:
        return {
            "folder": existing_folder(state),
            "conditions": _conditions(state),
            "value_raw": parsed_by(_read, "Not a valid Python literal: {}"),
            "properties.documentation_url": pattern(r"^(https?|ftps?)://"),
            "properties.disabled": boolean,
        }

    def refuse(self, context: Context, key: str, values: Values) -> None:
        ruleset, value = values["ruleset"], _read(values["value_raw"])
        folder = context.configuration.folder_at(values["folder"])
        context.require_folder(folder.path)
        if ruleset not in _RULESETS:
            raise _unknown_ruleset(ruleset)
        before = self._objects(context).get(key, {})
        if before.get("locked_by") and before["conditions"] != self.complete(context, values)["conditions"]:
            raise _by_quick_setup("Conditions cannot be modified for rules managed by Quick setup.")
        known, is_dict = _VALUE_KEYS.get(ruleset), isinstance(value, dict)
        needs_dict = known is not None or _RULESETS[ruleset]["match_type"] == "dict"
        if (needs_dict and not is_dict) or (known and set(value) - known):
            if before:
                # Checkmk's own test test_openapi_edit_rule_reject_incompatible_value_raw: an update crashes.
                raise KeyError(next(iter(value), "") if is_dict else value)
            raise Problem(400, "A field has a problem", f"The data type of the value {value!r} is not valid.")

    def complete(self, context: Context, values: Values) -> Values:
        properties = {"disabled": False, **values["properties"]} if "properties" in values else {}
        return {
            "ruleset": values["ruleset"],
            "folder": context.configuration.folder_at(values["folder"]).path,
            "value_raw": repr(_read(values["value_raw"])),
            "conditions": _stored_conditions(context, values["ruleset"], values.get("conditions", {})),
            "properties": {name: value for name, value in properties.items() if value != ""},  # as in Checkmk
            "locked_by": values.get("locked_by"),
        }

    def extensions(self, context: Context, values: Values, *, is_single: bool) -> Values:
        rules = self._objects(context)
        siblings = (rules[key] for key in _rules_in(context.configuration, values["ruleset"], values["folder"]))
        shown = {name: value for name, value in values.items() if name != "locked_by"}
        return {
            **shown,
            "value_raw": repr(_masked(_read(values["value_raw"]))),
            "folder_index": next(index for index, rule in enumerate(siblings) if rule is values),
            "title": values["properties"].get("description", ""),
        }

    def listed(self, context: Context, keys: Iterable[str]) -> list[str]:
        ruleset, rules = context.query["ruleset_name"], self._objects(context)
        if ruleset not in _RULESETS:
            raise _unknown_ruleset(ruleset)
        found = [key for key in keys if rules[key]["ruleset"] == ruleset]
        # Checkmk (Ruleset.get_rules): subfolders come before their parents, and within a folder the order counts.
        return sorted(found, key=lambda key: rules[key]["folder"].strip("/").split("/"), reverse=True)

    def usages(self, configuration: Configuration, key: str) -> list[str]:
        return ["Quick setup"] if configuration.objects["rules"][key].get("locked_by") else []

    def in_use(self, key: str, usages: list[str]) -> Problem:
        return _by_quick_setup("Rules managed by Quick setup cannot be deleted.")

    def missing(self, context: Context, key: str) -> Problem:
        if context.endpoint.method == "DELETE":
            return Problem(404, "Rule not found.", f"The rule with ID {key!r} could not be found.")
        return Problem(404, "Unknown rule.", f"Rule with UUID '{key}' was not found.")

    def bodies(self) -> dict[str, Fields]:
        return {**super().bodies(), "move": _position}

    def move(self, context: Context) -> Response:
        key, body = context.params["key"], context.body
        rules, rule = self._objects(context), self._existing(context, key)
        needed = "folder" if body["position"].endswith("_folder") else "rule_id"
        if needed not in body:
            raise bad_fields({needed: ["Missing data for required field."]})
        if rule.get("locked_by"):
            raise _by_quick_setup("Rules managed by Quick setup cannot be moved.")
        if needed == "folder":
            folder = context.configuration.folder_at(body["folder"]).path
        else:
            target = self._existing(context, body["rule_id"])
            folder = target["folder"]
            if target["ruleset"] != rule["ruleset"]:
                raise Problem(400, "Invalid rule move.", "The two rules are not in the same ruleset.")
            if body["rule_id"] == key:
                raise Problem(400, "Invalid rule move", "You cannot move a rule before/after itself.")
        context.require_folder(folder)
        others = [other for other in _rules_in(context.configuration, rule["ruleset"], folder) if other != key]
        # Checkmk (Ruleset.get_index_for_move): the rules of Quick setup stay at the top.
        first = sum(bool(rules[other].get("locked_by")) for other in others)
        place = {"top_of_folder": first, "bottom_of_folder": len(others)}.get(body["position"])
        if place is None:
            place = others.index(body["rule_id"]) + int(body["position"] == "after_specific_rule")
        if place < first:
            raise Problem(400, "Invalid rule move.", "Cannot move before a rule managed by Quick setup.")
        others.insert(place, key)
        rules[key] = {**rule, "folder": folder}
        # The order of the rules of a folder is the order of the dictionary.
        rules.update({other: rules.pop(other) for other in others})
        self._add_change(context, "Moved", key)
        return self._answer(context, key)


# Rulesets


def _number_of_rules(context: Context, ruleset: str) -> int:
    folder = context.query.get("folder")
    path = None if folder is None else context.configuration.folder_at(folder).path
    return len(_rules_in(context.configuration, ruleset, path))


_REGEX = Field(parsed_by(re.compile))
_DEPRECATED = ("active_checks:http",)  # 2.5 does not have it anymore


class Rulesets(Behaviour):
    """The behaviour of rulesets."""

    permission = "wato.rulesets"

    def missing(self, context: Context, key: str) -> Problem:
        return _unknown_ruleset(key, 404)

    def query(self, state: SiteState) -> dict[str, Field]:
        return {
            "used": Field(boolean, True),
            "deprecated": Field(boolean, False),
            "fulltext": _REGEX,
            "name": _REGEX,
            "folder": Field(existing_folder(state)),
        }

    def extensions(self, context: Context, values: Values, *, is_single: bool) -> Values:
        return {**values, "number_of_rules": _number_of_rules(context, values["name"])}

    def listed(self, context: Context, keys: Iterable[str]) -> list[str]:
        query = context.query
        fulltext, name = (re.compile(query.get(field, ""), re.IGNORECASE).search for field in ("fulltext", "name"))
        return [
            key
            for key in keys
            if query["used"] is bool(_number_of_rules(context, key))
            and query["deprecated"] is (key in _DEPRECATED)
            and name(key)
            and fulltext(f"{key}\n{_RULESETS[key]['title']}")
        ]
