"""The handler that moves rules."""

from __future__ import annotations

from werkzeug.wrappers import Response

from ..behaviours.rules import rules_in
from ..endpoints import Context, Endpoint, SiteState
from ..references import existing_folder
from ..replies import Problem
from ..validation import REQUIRED, Field, member_of, string
from .plain_nouns import HANDLERS

__all__: list[str] = []

_POSITIONS = ("top_of_folder", "bottom_of_folder", "before_specific_rule", "after_specific_rule")


def _fields(state: SiteState) -> dict[str, Field]:
    return {
        "position": Field(member_of(_POSITIONS, "Unsupported value: {}"), REQUIRED),
        "folder": Field(existing_folder(state)),
        "rule_id": Field(string),
    }


@Endpoint("POST", "/objects/rule/<key>/actions/move/invoke", body=_fields, needs_etag=True)
def move_rule(context: Context) -> Response:
    for permission in ("wato.edit", "wato.rulesets"):
        context.require(permission)
    handlers, key, body = HANDLERS["rules"], context.params["key"], context.body
    rule = handlers.existing(context, key)
    if body["position"].endswith("_folder"):
        folder = context.configuration.folder_at(body["folder"]).path
    else:
        target = handlers.existing(context, body["rule_id"])
        folder = target["folder"]
        if target["ruleset"] != rule["ruleset"]:
            raise Problem(400, "Invalid rule move.", "The two rules are not in the same ruleset.")
        if body["rule_id"] == key:
            raise Problem(400, "Invalid rule move", "You cannot move a rule before/after itself.")
    context.require_folder(folder)
    others = [other for other in rules_in(context.configuration, rule["ruleset"], folder) if other != key]
    place = {"top_of_folder": 0, "bottom_of_folder": len(others)}.get(body["position"])
    if place is None:
        place = others.index(body["rule_id"]) + int(body["position"] == "after_specific_rule")
    others.insert(place, key)
    rules = context.configuration.objects["rules"]
    rules[key] = {**rule, "folder": folder}
    # The order of the rules of a folder is the order of the dictionary.
    rules.update({other: rules.pop(other) for other in others})
    handlers.add_change(context, "Moved", key)
    return handlers.answer(context, key)
