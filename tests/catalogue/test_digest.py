"""The rows of the catalogue match the facts of the official documents of each version."""

from __future__ import annotations

import dataclasses
import json
import re
import subprocess
import sys
from typing import Any, Callable, Iterable

import pytest

from checkmk_sync.catalogue.noun import Noun
from checkmk_sync.catalogue.nouns import NOUNS
from checkmk_sync.catalogue.operation import ExpectedReply, Operation
from checkmk_sync.catalogue.operations import OPERATIONS
from tests.catalogue.deviations import load_digest, noun_deviations, operation_deviations
from tests.conftest import ROOT, shared_folder

DIGEST = load_digest()

# Rows that differ from the documents for a reason. Each entry is a regular expression and the reason.
KNOWN = {
    r"_group_config/.*: 'name' has the pattern .* in 2\.2$": "see catalogue/nouns/groups.py",
    r"_group_config/.*: 'alias' has the min_length None, not 1": "see catalogue/nouns/groups.py",
    r"POST /domain-types/(service|contact)_group_config/collections/all: the answer has no extensions\.": (
        "the documents have no fields for the answer"
    ),
    r"POST /domain-types/(password|host_tag_group)/collections/all: 'id(ent)?' has the pattern None": (
        "only the path has a pattern"
    ),
    r"/activate-changes/invoke: the answer 30[23] is not expected": "the client never asks for a redirect",
    r"PUT /objects/host_config/\{\}/properties/nodes: the answer has a body": "a property, without a domain type",
    r"/service_discovery_run/actions/start/invoke: the answer 30[23] is not documented": (
        "one row for both: 302 up to 2.3, 303 since 2.4"
    ),
    r"/bulk-discovery-start/invoke: missing body field 'mode' in 2\.3": "deprecated; options replaced it",
    r"(POST /domain-types/rule/collections/all|PUT /objects/rule/\{\}): 'value_raw' is not required in 2\.2": (
        "the site crashes without it"
    ),
    r"GET /domain-types/ruleset/collections/all: the answer has no value\[\]\.": (
        "known-deviations.json: the items are objects, not links"
    ),
    r"GET /objects/ruleset/\{\}: the answer has no extensions\.(match_type|item_type|help)": (
        "see catalogue/nouns/rules.py"
    ),
    r"GET /objects/ruleset/\{\}: no field reads extensions\.(folder|name)": (
        "known-deviations.json: sites do not return the folder; the name is the id"
    ),
    r"/notification_rule/.*: 'rule_config\.(?!.*(description|notify_plugin)).*' is not required in 2\.4$": (
        "2.4 has two documents; the fields are required up to 2.4.0p21"
    ),
    r"PUT /objects/user_role/\{\}: 'new_permissions' is dict, not any": "see catalogue/nouns/roles.py",
    r"/user_role/.*extensions\.permissions of the answer is list, not any": "see catalogue/nouns/roles.py",
    r"/user_config/.*: 'auth_option\.auth_type' has the choices": "see Users.remove_login()",
    r"PUT /objects/user_config/\{\}: 'auth_option\.auth_type' is required": "Users adds it",
    r"/user_config/.*: missing field 'auth_option\.secret'": "the password of an automation user",
    r"/user_config/.*: the answer has no (value\[\]\.)?extensions\.": "declared as one of two objects",
    r"/user_role/.*: no field reads .*extensions\.builtin": "the same as a role without basedon",
    # specs/README.md: only the documents for readers have these operations.
    r"(GET|POST) /domain-types/host/collections/all: not documented in (2\.2|2\.3|2\.5)": "left out",
    r"GET /objects/host/\{\}: not documented in (2\.2|2\.3|2\.5)": "left out",
    r"GET (/objects/host/\{\}/collections/services|/domain-types/service/collections/all): not documented in 2\.[23]": (
        "left out"
    ),
}


def _unknown(deviations: Iterable[str]) -> list[str]:
    return [text for text in deviations if not any(re.search(known, text) for known in KNOWN)]


@pytest.mark.parametrize("name", sorted(NOUNS))
@pytest.mark.every_case
def test_each_noun_has_exactly_the_documented_operations_and_fields(name: str) -> None:
    assert _unknown(noun_deviations(NOUNS[name], DIGEST)) == []


def test_all_other_operations_are_documented_too() -> None:
    assert _unknown(operation_deviations([row for row in OPERATIONS if row.noun not in NOUNS], DIGEST)) == []


def test_each_known_deviation_still_exists() -> None:
    found = [
        *(text for noun in NOUNS.values() for text in noun_deviations(noun, DIGEST)),
        *operation_deviations([row for row in OPERATIONS if row.noun not in NOUNS], DIGEST),
    ]
    assert [known for known in KNOWN if not any(re.search(known, text) for text in found)] == []


def test_the_documents_give_the_pattern_of_password_ids_for_the_path() -> None:
    pattern = NOUNS["passwords"].key.pattern
    assert DIGEST["GET /objects/password/{}"]["path_pattern"] == {"name": {json.dumps(pattern): ["2.2", "2.3", "2.4"]}}


def test_the_digest_has_the_facts_of_the_official_documents() -> None:
    command = [sys.executable, str(ROOT / "tools/make_digest.py"), str(shared_folder("specs"))]
    made = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert json.loads(made) == json.loads((ROOT / "tests/data/api_digest.json").read_text("utf-8")), " ".join(command)


def test_the_shapes_of_notification_rules_are_those_of_the_official_documents() -> None:
    command = [sys.executable, str(ROOT / "tools/make_request_shapes.py"), str(shared_folder("specs"))]
    made = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    page = ROOT / "checkmk_sync/catalogue/request_shapes.json"
    assert json.loads(made) == json.loads(page.read_text("utf-8")), " ".join(command)


# Wrong rows that the comparison must find. Each entry is a wrong noun and a part of the report about it.


def _field(noun: str, name: str, **facts: Any) -> Noun:
    row = NOUNS[noun]
    fields = tuple(dataclasses.replace(field, **facts) if field.name == name else field for field in row.fields)
    return dataclasses.replace(row, fields=fields)


def _more(noun: str, like: str, **facts: Any) -> Noun:
    row = NOUNS[noun]
    return dataclasses.replace(row, fields=(*row.fields, dataclasses.replace(row.by_name[like], **facts)))


def _without(noun: str, name: str) -> Noun:
    row = NOUNS[noun]
    return dataclasses.replace(row, fields=tuple(field for field in row.fields if field.name != name))


def _rows(noun: str, change: Callable[[Operation], Iterable[Operation]]) -> Noun:
    row = NOUNS[noun]
    return dataclasses.replace(row, operations=tuple(made for old in row.operations for made in change(old)))


def _verb(noun: str, verb: str, **facts: Any) -> Noun:
    return _rows(noun, lambda row: [dataclasses.replace(row, **facts) if row.verb == verb else row])


_INVENTED = _more("host_groups", "alias", name="colour", wire="colour", at=("extensions", "colour"))
_WRONG_TIMES = [{"day": "monday", "times": []}, {"day": "monday", "time_ranges": [{"start": "08:00"}]}]

WRONG = {
    "an invented field": (_INVENTED, "unknown field 'colour'"),
    "a missing field": (_without("aux_tags", "topic"), "missing field 'topic'"),
    "a missing optional field": (_without("time_periods", "exclude"), "missing field 'exclude'"),
    "a misspelled field": (_field("passwords", "comment", wire="comments"), "missing field 'comment'"),
    "a wrong type": (_field("passwords", "shared", type=str), "'shared' is list, not str"),
    "a required field": (_field("passwords", "comment", required=True), "'comment' is not required"),
    "an optional field": (_field("host_groups", "alias", required=False), "'alias' is required"),
    "an update that lacks a field": (_field("host_groups", "alias", repeated=False), "'alias' is required"),
    "a needless field of updates": (_field("aux_tags", "title", repeated=True), "'title' is not required"),
    "a wrong pattern": (_field("time_periods", "name", pattern=".*"), "'name' has the pattern"),
    "a missing pattern": (_field("aux_tags", "name", pattern=""), "'aux_tag_id' has the pattern"),
    "a missing length": (_field("passwords", "password", min_length=0), "'password' has the min_length 1"),
    "invented choices": (_field("aux_tags", "help", choices=("yes", "no")), "'help' has the choices None"),
    "a wrong place in answers": (_field("aux_tags", "topic", at=("topic",)), "the answer has no topic"),
    "a value that is never read": (_field("aux_tags", "topic", at=()), "no field reads extensions.topic"),
    "a secret that is read": (_field("passwords", "password", at=("extensions", "password")), "has no extensions.pass"),
    "a field that came later": (_field("contact_groups", "inventory_paths", since=None), "unknown field 'inventory_p"),
    "a field that came earlier": (_field("contact_groups", "inventory_paths", since="2.5.0b1"), "missing field 'inv"),
    "a field that is still there": (_field("time_periods", "exclude", until="2.5.0b1"), "missing field 'exclude'"),
    "a forgotten former name": (_field("passwords", "editable_by", former=()), "missing field 'owner'"),
    "a forgotten edition": (_field("passwords", "customer", editions=None), "unknown field 'customer'"),
    "an invented edition": (
        _field("passwords", "comment", editions=NOUNS["passwords"].by_name["customer"].editions),
        "the field 'comment' is documented for all editions",
    ),
    "an example with unknown names": (
        _field("time_periods", "active_time_ranges", example=_WRONG_TIMES[:1]),
        "the example has an unknown active_time_ranges[].times",
    ),
    "an incomplete example": (
        _field("time_periods", "active_time_ranges", example=_WRONG_TIMES[1:]),
        "the example has no active_time_ranges[].time_ranges[].end",
    ),
    "a missing If-Match": (_verb("host_groups", "update", if_match=False), "If-Match is needed"),
    "a needless If-Match": (_verb("aux_tags", "delete", if_match=True), "If-Match is not needed"),
    "an If-Match for all versions": (_verb("passwords", "delete", if_match=True), "If-Match is not needed in 2.2"),
    "a missing operation": (
        _rows("contact_groups", lambda row: [row] * (row.verb != "bulk_delete")),
        "POST /domain-types/contact_group_config/actions/bulk-delete/invoke: no row in 2.2",
    ),
    "an operation that came later": (_verb("aux_tags", "list", since="2.3.0b1"), "no row in 2.2"),
    "a wrong method": (_verb("aux_tags", "delete", method="DELETE"), "not documented"),
    "an invented query field": (_verb("aux_tags", "list", query=("topic",)), "unknown query field 'topic'"),
    "an invented body field": (_verb("aux_tags", "create", body=("colour",)), "unknown body field 'colour'"),
    "a missing body field": (_verb("aux_tags", "create", body=("title",)), "missing body field 'topic'"),
    "a wrong media type": (_verb("aux_tags", "get", accept="text/plain"), "the answer is application/json"),
    "a wrong status": (_verb("aux_tags", "delete", expected=(ExpectedReply(200),)), "the answer 200 is not documented"),
    "a wrong domain type": (
        _verb("aux_tags", "create", expected=(ExpectedReply(200, "tag", ("id",)),)),
        "the answer has the domain type ['aux_tag'], not 'tag'",
    ),
    "a body that is not expected": (
        _verb("aux_tags", "create", expected=(ExpectedReply(200),)),
        "the answer has a body",
    ),
    "a wrong place of the names": (
        _verb("host_groups", "bulk_create", expected=(ExpectedReply(200, "host_group_config", ("value", "name")),)),
        "the answer has no 'value.name'",
    ),
}


def test_a_query_parameter_of_a_later_version_is_found() -> None:
    rows = [row for row in OPERATIONS if (row.noun, row.verb) == ("services", "get")]
    wrong = [dataclasses.replace(row, query=("service_description", "columns")) for row in rows]
    assert list(operation_deviations(rows, DIGEST)) == []
    assert [text.partition(": ")[2] for text in operation_deviations(wrong, DIGEST)] == [
        "unknown query field 'columns' in 2.2",
        "unknown query field 'columns' in 2.3",
    ]


@pytest.mark.parametrize("case", sorted(WRONG))
@pytest.mark.every_case
def test_a_wrong_row_is_found(case: str) -> None:
    noun, words = WRONG[case]
    found = _unknown(noun_deviations(noun, DIGEST))
    assert any(words in text for text in found), found
