"""Rules and rulesets."""

from __future__ import annotations

import operator
from typing import Any, Optional

from ..field import Former
from ..literals import comparable, masked_member, read_literal, write_literal
from ..noun import CRUD, Record, attr, key, noun
from ..paths import folder_path
from ..rule_conditions import canonical_conditions, conditions_problem, known_conditions, with_label_groups, with_labels


def _property(description: str, wire: str, **facts: Any) -> Any:
    return attr(description, default=None, wire=f"properties.{wire}", **facts)


@noun(
    "rules",
    "rule",
    "rule",
    CRUD,
    rank=70,
    mark="comment",
    tier="everyday",
    # CHECKMK_API_MORE: an update empties the conditions and the properties that it does not send.
    replaces=True,
    # CHECKMK_API 8.3: GET has no ETag, and the site does not check If-Match.
    has_etags=False,
    update_since="2.2.0p12",
    touches=("rulesets",),
)
class Rule(Record):
    """A rule of a ruleset.

    The rules of a ruleset apply in the order of its list: first those of subfolders, and within a folder from the top.
    """

    ruleset: str = attr(
        "Name of the ruleset.",
        filters=True,
        fixed=True,
        refers_to="rulesets",
        example="checkgroup_parameters:filesystem",
    )
    folder: str = attr(
        "Folder with the hosts to which the rule applies.",
        fixed=True,
        canonical=folder_path,
        pattern=r"^(?:(?:[~\\\/]|(?:[~\\\/][-_ a-zA-Z0-9.]+)+[~\\\/]?)|[0-9a-fA-F]{32})$",
        example="/",
    )
    value: Any = attr(
        "Value that the rule sets.",
        wire="value_raw",
        repeated=True,
        literal=True,
        holds_secrets=True,  # CHECKMK_API 10.14: sites mask only some of them
        encode=write_literal,
        decode=read_literal,
        canonical=comparable,
        shows=lambda found, _wanted: masked_member(found, "value") is None,
        matches=operator.eq,
        example={"levels": (80.0, 90.0)},
    )
    conditions: Optional[dict[str, Any]] = attr(
        "Hosts and services to which the rule applies; all if it has no conditions.",
        default=None,
        encode=known_conditions,
        decode=with_label_groups,
        canonical=canonical_conditions,
        problem_in=conditions_problem,
        former=(Former("2.3.0b1", "conditions", ("extensions", "conditions"), encode=with_labels),),
        example={"service_description": {"match_on": ["/var$"], "operator": "one_of"}},
    )
    description: Optional[str] = _property("Description, the title of the rule.", "description", example="Levels")
    comment: Optional[str] = _property("Comment.", "comment", example="Ask Carol")
    disabled: Optional[bool] = _property("Whether the rule is ignored.", "disabled", example=False)
    documentation_url: Optional[str] = _property(
        "URL of the documentation.", "documentation_url", example="https://wiki.example.com"
    )
    folder_index: Optional[int] = attr("Position in the folder, from 0.", default=None, assigned=True)
    id: Optional[str] = key(
        "ID of the rule.", assigned=True, default=None, example="0a168697-14a2-48d0-9c3c-ca65569a39e2"
    )


@noun(
    "rulesets",
    "ruleset",
    "ruleset",
    ("list", "get"),
    rank=0,
    list_query={
        "used": (bool, "Only rulesets with rules (the default), or only rulesets without rules."),
        "fulltext": (str, "Only rulesets with this regular expression in their name, title or help."),
        "name": (str, "Only rulesets whose name matches this regular expression."),
        "folder": (str, "Count only the rules of this folder."),
        "deprecated": (bool, "Only deprecated rulesets, or only the others (the default)."),
    },
)
class Ruleset(Record):
    """A set of rules of one kind, such as the levels of file systems."""

    name: str = key("Name of the ruleset.", example="checkgroup_parameters:filesystem")
    title: Optional[str] = attr("Title of the ruleset.", default=None, at=("title",), assigned=True)
    number_of_rules: Optional[int] = attr("Number of rules.", default=None, assigned=True)
    # The documents do not have the other fields (source: cmk/gui/openapi/endpoints/ruleset).
    match_type: Optional[str] = attr(
        "Which matching rules count: the 'first', 'all', a 'list' of all, or the first for each key of a 'dict'.",
        default=None,
        assigned=True,
    )
    item_type: Optional[str] = attr(
        "Whether conditions for services match the name of the 'service' or its 'item'.", default=None, assigned=True
    )
    help: Optional[str] = attr("Help text.", default=None, assigned=True)
