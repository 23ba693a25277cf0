"""The simulated site refuses the same attribute values as Checkmk, in every call that accepts attributes."""

from __future__ import annotations

from typing import Any, Iterator

import pytest

from checkmk_sync.testing import SimulatedSite
from tests.raw_requests import Raw
from tests.testing.request_bodies import SCAN, SNMP

VERSIONS = ["2.2.0p44", "2.3.0p41", "2.4.0p18", "2.5.0p9"]
HOSTS, FOLDERS = "/domain-types/host_config", "/domain-types/folder_config"
WEB, NET = "/objects/host_config/web", "/objects/folder_config/~net"
STAR = {"If-Match": "*"}
UNKNOWN = ["Unknown field."]
NULL = ["Field may not be null."]
MISSING = ["Missing data for required field."]
NO_TEXT = ["Not a valid string."]
NO_FLAG = ["Not a valid boolean."]
NO_OBJECT = {"_schema": ["Invalid input type."]}
# The method, path and body of a call that sends attributes, and the keys that lead to its errors in the answer.
Call = tuple[str, str, Any, list[str]]


def host_calls(attributes: Any) -> dict[str, Call]:
    new, entries = {"host_name": "new", "folder": "/", "attributes": attributes}, ["entries", "1"]
    good = {"host_name": "new2", "folder": "/"}
    changes: dict[str, Call] = {}
    for key in ("attributes", "update_attributes"):
        bulk = {"entries": [{"host_name": "web", "attributes": {}}, {"host_name": "web", key: attributes}]}
        changes[f"update {key}"] = ("PUT", WEB, {key: attributes}, [key])
        changes[f"bulk update {key}"] = ("PUT", f"{HOSTS}/actions/bulk-update/invoke", bulk, [*entries, key])
    return {
        "create": ("POST", f"{HOSTS}/collections/all", new, ["attributes"]),
        "cluster": ("POST", f"{HOSTS}/collections/clusters", {**new, "nodes": ["web"]}, ["attributes"]),
        "bulk create": (
            "POST",
            f"{HOSTS}/actions/bulk-create/invoke",
            {"entries": [good, new]},
            [*entries, "attributes"],
        ),
        **changes,
    }


def folder_calls(attributes: Any) -> dict[str, Call]:
    new = {"name": "new", "title": "New", "parent": "/", "attributes": attributes}
    calls: dict[str, Call] = {"create": ("POST", f"{FOLDERS}/collections/all", new, ["attributes"])}
    for key in ("attributes", "update_attributes"):
        entries = [{"folder": "/", "title": "Main"}, {"folder": "~net", key: attributes}]
        calls[f"update {key}"] = ("PUT", NET, {key: attributes}, [key])
        bulk = f"{FOLDERS}/actions/bulk-update/invoke"
        calls[f"bulk update {key}"] = ("PUT", bulk, {"entries": entries}, ["entries", "1", key])
    return calls


def _opened(version: str, edition: str = "cre") -> Iterator[Raw]:
    with SimulatedSite(version, edition) as site:
        raw = Raw(site)
        reset(raw)
        yield raw
        raw.session.close()


def reset(raw: Raw) -> None:
    raw.site.reset()
    assert raw("POST", f"{HOSTS}/collections/all", json={"host_name": "web", "folder": "/"}).status_code == 200
    folder = {"name": "net", "title": "Net", "parent": "/"}
    assert raw("POST", f"{FOLDERS}/collections/all", json=folder).status_code == 200


@pytest.fixture(scope="module")
def raw() -> Iterator[Raw]:
    yield from _opened("2.4.0p18", "cme")


@pytest.fixture(params=VERSIONS, scope="module")
def every(request: pytest.FixtureRequest) -> Iterator[Raw]:
    yield from _opened(request.param)


def assert_refused(raw: Raw, calls: dict[str, Call], complaint: Any) -> None:
    """Check that each call is refused with the complaint in its place, and changes nothing."""
    before = raw.site.counts()
    for kind, (method, path, body, place) in calls.items():
        answer = raw(method, path, STAR, json=body)
        assert answer.status_code == 400, (kind, answer.text)
        expected = complaint
        for key in reversed(place):
            expected = {key: expected}
        data = answer.json()
        assert (data["title"], data["fields"]) == ("Bad Request", expected), kind
        assert data["detail"] == f"These fields have problems: {place[0]}"
    assert {**raw.site.counts(), "requests": 0} == {**before, "requests": 0}


def assert_accepted(raw: Raw, calls: dict[str, Call]) -> None:
    for kind, (method, path, body, _) in calls.items():
        reset(raw)
        answer = raw(method, path, STAR, json=body)
        assert answer.status_code == 200, (kind, answer.text)


def _address(value: str, *said: str) -> list[str]:
    return ["Any of this needs to be true:", *said, f"Invalid hostaddress: {value!r}"]


WRONG_EVERYWHERE: list[tuple[str, Any, Any]] = [
    ("nothing", "x", UNKNOWN),
    ("meta_data", {}, UNKNOWN),
    ("network_scan_result", {}, UNKNOWN),
    ("tag_nothing", "x", UNKNOWN),
    ("tag_criticality", "nonsense", "enum"),
    ("tag_agent", "", "enum"),
    ("tag_snmp_ds", "snmp", "enum"),
    ("tag_piggyback", "yes", "enum"),
    ("tag_address_family", "ip-v4", "enum"),
    ("tag_networking", "LAN", "enum"),
    ("tag_agent", 1, NO_TEXT),
    ("tag_agent", None, NULL),
    ("site", "other", ["The site 'other' should exist but it doesn't."]),
    ("site", 3, NO_TEXT),
    ("labels", "a:b", ["Not a valid mapping type."]),
    ("labels", [], ["Not a valid mapping type."]),
    ("labels", None, NULL),
    ("labels", {"a": 1}, {"a": {"value": NO_TEXT}}),
    ("labels", {"a": None}, {"a": {"value": NULL}}),
    ("labels", {"a": "b", "c:d": "e:f"}, {"c:d": {"key": ["Invalid label key: 'c:d'"],
                                                   "value": ["Invalid label value: 'e:f'"]}}),
    ("contactgroups", ["all"], NO_OBJECT),
    ("contactgroups", "all", NO_OBJECT),
    ("contactgroups", {}, {"groups": MISSING}),
    ("contactgroups", {"groups": ["nobody"]}, {"groups": {"0": ["Group missing: 'nobody'"]}}),
    ("contactgroups", {"groups": ["all", 5]}, {"groups": {"1": NO_TEXT}}),
    ("contactgroups", {"groups": "all"}, {"groups": ["Not a valid list."]}),
    ("contactgroups", {"groups": ["all"], "use": "maybe"}, {"use": NO_FLAG}),
    ("contactgroups", {"groups": [], "recurse": True}, {"recurse": UNKNOWN}),
    ("snmp_community", "public", {"_schema": ["Invalid data type: public"]}),
    ("snmp_community", {}, {"type": MISSING}),
    ("snmp_community", {"type": []}, {"type": ["Invalid value: []"]}),
    ("snmp_community", {"type": "v3"}, {"type": ["Unsupported value: v3"]}),
    ("snmp_community", {"type": "v1_v2_community"}, {"community": MISSING}),
    ("snmp_community", {"type": "v1_v2_community", "community": 1}, {"community": NO_TEXT}),
    ("snmp_community", {"type": "v3_no_auth_no_privacy", "security_name": "n", "community": "c"},
     {"community": UNKNOWN}),
    ("snmp_community", {**SNMP, "auth_password": "short"},
     {"auth_password": ["string 'short' is too short. The minimum length is 8."]}),
    ("snmp_community", {**SNMP, "privacy_protocol": "ROT-13"}, {"privacy_protocol": "enum"}),
    ("management_snmp_community", {"type": "v1_v2"}, {"type": ["Unsupported value: v1_v2"]}),
    ("management_protocol", "ssh", "enum"),
    ("management_protocol", None, NULL),
    ("management_ipmi_credentials", {"username": "u"}, {"password": MISSING}),
    ("management_ipmi_credentials", "u:p", NO_OBJECT),
    ("network_scan", 5, NO_OBJECT),
    ("network_scan", {}, {"addresses": MISSING, "time_allowed": MISSING}),
    ("network_scan", {**SCAN, "addresses": "192.0.2.0/24"}, {"addresses": ["Not a valid list."]}),
    ("network_scan", {**SCAN, "addresses": [{"type": "range"}]},
     {"addresses": {"0": {"type": ["Unsupported value: range"]}}}),
    ("network_scan", {**SCAN, "addresses": [{"type": "network_range", "network": "192.0.2.1/24"}]},
     {"addresses": {"0": {"network": ["192.0.2.1/24 has host bits set"]}}}),
    ("network_scan", {**SCAN, "scan_interval": 60}, {"scan_interval": ["60 is smaller than the minimum (3600)."]}),
    ("network_scan", {**SCAN, "max_parallel_pings": 500},
     {"max_parallel_pings": ["500 is bigger than the maximum (200)."]}),
    ("network_scan", {**SCAN, "time_allowed": [{"start": "12:00", "end": "noon"}]}, "pattern"),
    ("network_scan", {**SCAN, "run_as": "nobody"}, {"run_as": ["User 'nobody' is not known."]}),
    ("network_scan", {**SCAN, "translate_names": {"convert_case": "title"}},
     {"translate_names": {"convert_case": "enum"}}),
    ("network_scan", {key: SCAN[key] for key in SCAN if key != "tag_criticality"},
     {"_schema": ["tag_criticality must be specified"]}),
    ("network_scan", {**SCAN, "tag_criticality": "x"},
     {"_schema": ["tag_criticality value 'x' is not defined for criticality tag group"]}),
]  # fmt: skip

WRONG_OF_HOSTS: list[tuple[str, Any, Any]] = [
    ("ipaddress", "1.2.3.4/24", _address("1.2.3.4/24", "Unexpected '/' in '1.2.3.4/24'")),
    ("ipaddress", "2001:db8::1", _address("2001:db8::1", "Expected 4 octets in '2001:db8::1'")),
    ("ipaddress", " 192.0.2.1", "address"),
    ("ipaddress", "192.0.2.1\n", "address"),
    ("ipaddress", "a b", "address"),
    ("ipaddress", "-web", "address"),
    ("ipaddress", "wéb", "address"),
    ("ipaddress", 1, NO_TEXT),
    ("ipaddress", None, NULL),
    ("ipv6address", "::g g", "address"),
    ("ipv6address", "192.0.2.1", "address"),
    ("ipv6address", "2001:db8::/64", "address"),
    ("ipv6address", "::", "address"),
    ("management_address", "a b", "address"),
    ("management_address", "192.0.2.1/32", "address"),
    ("additional_ipv4addresses", "192.0.2.1", ["Not a valid list."]),
    ("additional_ipv4addresses", ["192.0.2.1", "2001:db8::1"], "address 1"),
    ("additional_ipv6addresses", ["2001:db8::1", "192.0.2.1"], "address 1"),
    ("additional_ipv6addresses", [None], {"0": NULL}),
    ("alias", ["x"], NO_TEXT),
    ("parents", "web", ["Not a valid list."]),
    ("parents", ["a b"], {"0": ["'a b' does not match pattern '^[-0-9a-zA-Z_.]+\\\\Z'."]}),
    ("locked_by", {}, dict.fromkeys(("site_id", "program_id", "instance_id"), MISSING)),
    ("locked_by", "dcd", NO_OBJECT),
    ("locked_attributes", "ipaddress", ["Not a valid list."]),
    ("locked_attributes", [1], {"0": NO_TEXT}),
    ("inventory_failed", "maybe", NO_FLAG),
    ("waiting_for_discovery", "maybe", NO_FLAG),
    ("bake_agent_package", "maybe", NO_FLAG),
    ("cmk_agent_connection", "pull", "enum"),
]


def _exact(complaint: Any, said: Any, value: Any) -> Any:
    """Return the expected complaint. If the table names only its kind, check the actual complaint and return that."""
    if isinstance(complaint, dict):
        return {key: _exact(part, said.get(key), value) for key, part in complaint.items()}
    if complaint == "enum":
        assert "is not one of the enum values: [" in said[0]
        return said
    if complaint == "pattern":
        assert "does not match pattern" in said["time_allowed"]["0"]["end"][0]
        return said
    if complaint == "address":
        assert (said[0], said[-1]) == ("Any of this needs to be true:", f"Invalid hostaddress: {value!r}")
        return said
    if complaint == "address 1":
        return {"1": _exact("address", said["1"], value[1])}
    return complaint


def _named(row: Any) -> str:
    return f"{row[0]}-{row[1]!r:.40}"


def said_of(raw: Raw, calls: dict[str, Call]) -> Any:
    method, path, body, place = calls["create"]
    data = raw(method, path, json=body).json()["fields"]
    for key in place:
        data = data[key]
    return data


@pytest.mark.parametrize("row", [*WRONG_EVERYWHERE, *WRONG_OF_HOSTS], ids=_named)
def test_errors_of_host_attributes_have_the_shape_of_the_value(raw: Raw, row: Any) -> None:
    name, value, complaint = row
    calls = host_calls({name: value, "tag_agent": "no-agent"} if name != "tag_agent" else {name: value})
    expected = _exact(complaint, said_of(raw, calls)[name], value)
    assert_refused(raw, calls, {name: expected})


@pytest.mark.parametrize("row", WRONG_EVERYWHERE, ids=_named)
def test_errors_of_folder_attributes_have_the_shape_of_the_value(raw: Raw, row: Any) -> None:
    name, value, complaint = row
    calls = folder_calls({name: value})
    expected = _exact(complaint, said_of(raw, calls)[name], value)
    assert_refused(raw, calls, {name: expected})


@pytest.mark.parametrize("name", sorted({row[0] for row in WRONG_OF_HOSTS} - {"parents", "bake_agent_package"}))
def test_folders_do_not_accept_host_only_attributes(raw: Raw, name: str) -> None:
    if name == "cmk_agent_connection":
        assert_accepted(raw, folder_calls({name: "push-agent"}))
    else:
        assert_refused(raw, folder_calls({name: "x"}), {name: UNKNOWN})


@pytest.mark.parametrize("attributes", [5, "x", [], True])
def test_attributes_must_be_an_object(raw: Raw, attributes: Any) -> None:
    for calls in (host_calls(attributes), folder_calls(attributes)):
        assert_refused(raw, calls, NO_OBJECT)


def test_attributes_must_not_be_null(raw: Raw) -> None:
    for calls in (host_calls(None), folder_calls(None)):
        assert_refused(raw, calls, NULL)


def test_all_invalid_values_are_listed(raw: Raw) -> None:
    wrong = {"tag_foo": "x", "alias": 1, "ipaddress": "a b"}
    said = said_of(raw, host_calls(wrong))
    assert set(said) == set(wrong)


GOOD: list[dict[str, Any]] = [
    {"ipaddress": value} for value in ("192.0.2.1", "web.example.com", "192.0.2.300", "web_1", "1.2.3")
]  # fmt: skip
GOOD += [{"ipv6address": value} for value in ("2001:db8::1", "::1", "web.example.com", "::ffff:192.0.2.1")]
GOOD += [{"management_address": value} for value in ("192.0.2.1", "2001:db8::1", "bmc")]
GOOD += [
    {"additional_ipv4addresses": ["192.0.2.1", "web"], "additional_ipv6addresses": ["2001:db8::1"]},
    {"additional_ipv4addresses": [], "parents": [], "labels": {}},
    {"parents": ["gw"]},
    {"management_ipmi_credentials": None, "management_snmp_community": None},
    {"locked_by": {"site_id": "s", "program_id": "dcd", "instance_id": "1"}, "locked_attributes": ["alias"]},
]
GOOD_EVERYWHERE: list[dict[str, Any]] = [
    {"tag_agent": "no-agent", "tag_snmp_ds": "snmp-v2", "tag_piggyback": "piggyback"},
    {"tag_criticality": "offline", "tag_networking": "dmz", "tag_address_family": "ip-v4v6"},
    {"contactgroups": {"groups": []}},
    {"contactgroups": {"groups": ["all"], "use": True, "use_for_services": True, "recurse_perms": False}},
    {"snmp_community": {"type": "v1_v2_community", "community": "public"}},
    {"snmp_community": {"type": "v3_no_auth_no_privacy", "security_name": "n"}},
    {"snmp_community": SNMP, "management_snmp_community": SNMP},
    {"management_protocol": "ipmi", "management_ipmi_credentials": {"username": "u", "password": "p"}},
    {"network_scan": SCAN},
    {"site": "s"},
    {"labels": {"a": "", "": "b", "ä/ö": "x y"}},
]


@pytest.mark.parametrize("attributes", [*GOOD, *GOOD_EVERYWHERE], ids=lambda value: f"{value!r:.60}")
def test_valid_host_attributes_are_accepted(every: Raw, attributes: Any) -> None:
    for kind, (method, path, body, _) in host_calls(attributes).items():
        reset(every)
        assert every("POST", f"{HOSTS}/collections/all", json={"host_name": "gw", "folder": "/"}).status_code == 200
        answer = every(method, path, STAR, json=body)
        assert answer.status_code == 200, (kind, answer.text)


@pytest.mark.parametrize("attributes", GOOD_EVERYWHERE, ids=lambda value: f"{value!r:.60}")
def test_valid_folder_attributes_are_accepted(every: Raw, attributes: Any) -> None:
    assert_accepted(every, folder_calls(attributes))
