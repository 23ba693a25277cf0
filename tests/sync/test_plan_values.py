"""Values that the site's version of Checkmk refuses are reported with file and line."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Optional

import pytest

from checkmk_sync import Checkmk
from checkmk_sync.catalogue.attributes import CHOICES, NEWER, NOT_OF_FOLDERS
from checkmk_sync.catalogue.versions import CheckmkVersion
from checkmk_sync.errors import InventoryError
from checkmk_sync.sync import apply_plan, diff, from_data, load, make_plan
from checkmk_sync.sync.observed import Observed
from checkmk_sync.testing import ManualClock, SimulatedSite
from tests.conftest import Run
from tests.sync.test_plan import held, holding

DATA = Path(__file__).parent.parent / "data"


def _at(version: Optional[str], *found: Any) -> Observed:
    objects = holding(*found).objects
    return Observed(objects, version=None if version is None else CheckmkVersion.parse(version))


def _mistakes(
    attributes: Any, *found: Any, version: Optional[str] = None, kind: str = "host", **more: Any
) -> list[str]:
    entry = {"name": "a"} if kind == "host" else {"path": "/a"}
    try:
        diff(from_data({f"{kind}s": [{**entry, "attributes": attributes, **more}]}), _at(version, *found))
    except InventoryError as error:
        return [problem.message.partition(": ")[2] for problem in error.problems]
    return []


def test_every_wrong_value_is_reported_with_its_line() -> None:
    path = DATA / "addresses.csv"
    with pytest.raises(InventoryError) as caught:
        diff(load(path), holding())
    neither = "which is neither an IPv4 address nor a host name"
    assert [str(problem) for problem in caught.value.problems] == [
        f"{path}:2: column 3 (ipaddress): host sw-core-01: ipaddress is '192.0.2.10/24', {neither}; "
        "write 192.0.2.10 without the mask",
        f"{path}:3: column 3 (ipaddress): host sw-acc-02: ipaddress is '2001:db8::2', which is an IPv6 address; "
        "it must be an IPv4 address or a host name",
        f"{path}:4: column 3 (ipaddress): host srv-03: ipaddress is '192.0.2.300', {neither}",
        f"{path}:4: column 5 (additional_ipv4addresses): host srv-03: additional_ipv4addresses[0] is '192.0.2.11/24', "
        f"{neither}; write 192.0.2.11 without the mask",
        f"{path}:5: column 4 (ipv6address): host srv-04: ipv6address is '192.0.2.15', which is an IPv4 address; "
        "it must be an IPv6 address or a host name",
    ]


def test_problems_have_the_line_of_the_attribute(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(
        "hosts:\n- name: a\n  attributes:\n    alias: x\n    ipaddress: 1.2.3.400\n    labels:\n      k: v\n      url: 'http://x:80'\n"
        "- name: b\n  labels:\n    ok: x\n    wrong: 'a:b'\n"
    )
    with pytest.raises(InventoryError) as caught:
        diff(load(path), holding())
    assert [problem.line for problem in caught.value.problems] == [5, 8, 12]


V4, V6 = ("ipaddress", "additional_ipv4addresses"), ("ipv6address", "additional_ipv6addresses")
GOOD = {
    "192.0.2.1": (*V4, "management_address"),
    "2001:db8::1": (*V6, "management_address"),
    "::1": (*V6, "management_address"),
    "web01": (*V4, *V6, "management_address"),
    "web_01.example.com": (*V4, *V6, "management_address"),
    "1und1": (*V4, *V6, "management_address"),
    "10": (*V4, *V6, "management_address"),
    "192.0.2": (*V4, *V6, "management_address"),
}  # fmt: skip
BAD = (
    "192.0.2.1/24", "2001:db8::/32", "192.0.2.300", "1.2.3.400", "192.0.2.1 ", " 192.0.2.1", "a b",
    "-web01", ".web01", "::g g", "::", "http://x", "web01:80", "[::1]", "ü", "host!", "192.0.2.1,192.0.2.2",
)  # fmt: skip
ADDRESSES = (*V4, *V6, "management_address")


@pytest.mark.parametrize("name", ADDRESSES)
@pytest.mark.parametrize("text", [*GOOD, *BAD])
def test_an_address_must_be_of_its_family_or_a_host_name(name: str, text: str) -> None:
    value = [text] if name.startswith("additional") else text
    assert bool(_mistakes({name: value})) is (name not in GOOD.get(text, ()))


@pytest.mark.parametrize("name", ADDRESSES)
def test_some_addresses_are_valid_only_in_some_versions(name: str) -> None:
    for text, takes_old in (("", False), ("-web01", True), (".web01", True)):
        value = [text] if name.startswith("additional") else text
        assert bool(_mistakes({name: value}, version="2.2.0p44")) is not takes_old
        assert bool(_mistakes({name: value}, version="2.3.0b1")) is takes_old


@pytest.mark.parametrize("name", ["-web01", ".web01"])
def test_some_names_of_new_hosts_are_valid_only_in_some_versions(name: str) -> None:
    desired = from_data({"hosts": [{"name": name}]})
    with pytest.raises(InventoryError, match=f"must not begin with '{name[0]}'; Checkmk 2.4.0p18 refuses"):
        diff(desired, _at("2.4.0p18"))
    assert diff(desired, _at("2.2.0p44")).changes
    assert not diff(desired, _at("2.4.0p18", held("host", name))).changes, "older hosts may have such names"


def test_invalid_addresses_are_explained() -> None:
    assert _mistakes({"ipaddress": "192.0.2.1 "}) == [
        "ipaddress is '192.0.2.1 ', which is neither an IPv4 address nor a host name; it contains a space"
    ]
    assert _mistakes({"management_address": "a b"}) == [
        "management_address is 'a b', which is neither an IPv4 or IPv6 address nor a host name; it contains a space"
    ]
    assert _mistakes({"ipv6address": "::"}) == ["ipv6address is '::', which is not the address of a host"]


@pytest.mark.parametrize("name", CHOICES)
def test_built_in_tags_accept_only_known_values(name: str) -> None:
    for value in CHOICES[name]:
        assert not _mistakes({name: value})
    (mistake,) = _mistakes({name: "nonsense"})
    assert mistake.startswith(f"unknown {name} 'nonsense'; ")
    assert "did you mean" in _mistakes({name: CHOICES[name][0] + "x"})[0]
    for value in ("", CHOICES[name][0].upper()):
        assert _mistakes({name: value})


@pytest.mark.parametrize("name", ["inventory_failed", "waiting_for_discovery", "bake_agent_package"])
def test_flags_must_be_true_or_false(name: str) -> None:
    assert not _mistakes({name: False})
    for value in ("yes", 1, None if name == "" else [], {}):
        assert "must be true or false" in _mistakes({name: value})[0]


USER = {"type": "v3_no_auth_no_privacy", "security_name": "u"}
AUTH = {**USER, "type": "v3_auth_no_privacy", "auth_protocol": "SHA-2-256", "auth_password": "hunter2hunter2"}
PRIVACY = {**AUTH, "type": "v3_auth_privacy", "privacy_protocol": "AES-256", "privacy_password": "hunter2hunter2"}
COMMUNITY = {"type": "v1_v2_community", "community": "hunter2"}
SCAN = {"addresses": [], "time_allowed": [{"start": "08:30", "end": "23:59"}]}
RANGE = {"type": "network_range", "network": "192.0.2.0/24"}
SHAPES: list[tuple[str, Any, str]] = [
    ("snmp_community", COMMUNITY, ""),
    ("snmp_community", USER, ""),
    ("snmp_community", AUTH, ""),
    ("snmp_community", PRIVACY, ""),
    ("snmp_community", {"community": "hunter2"}, "snmp_community.type must be one of v1_v2_community, v3_no_auth"),
    ("snmp_community", {**COMMUNITY, "type": "v2"}, "snmp_community.type must be one of"),
    ("snmp_community", {**COMMUNITY, "type": []}, "snmp_community.type must be one of"),
    ("snmp_community", {"type": "v1_v2_community"}, "snmp_community needs the key 'community'"),
    (
        "snmp_community",
        {**COMMUNITY, "comunity": "x"},
        "snmp_community has the unknown key 'comunity'; did you mean 'community'?",
    ),
    ("snmp_community", {**COMMUNITY, "community": 5}, "snmp_community.community must be a string"),
    (
        "snmp_community",
        {**AUTH, "auth_password": "hunter2"},
        "snmp_community.auth_password must be a string of at least 8 characters",
    ),
    ("snmp_community", {**AUTH, "auth_protocol": "md5"}, "snmp_community.auth_protocol must be one of MD5-96"),
    (
        "snmp_community",
        {**PRIVACY, "privacy_protocol": "AES"},
        "snmp_community.privacy_protocol must be one of CBC-DES",
    ),
    ("snmp_community", {**USER, "auth_protocol": "MD5-96"}, "snmp_community has the unknown key 'auth_protocol'"),
    ("snmp_community", {}, "snmp_community.type must be one of"),
    ("management_snmp_community", COMMUNITY, ""),
    ("management_snmp_community", {"community": "hunter2"}, "management_snmp_community.type must be one of"),
    ("management_ipmi_credentials", {"username": "u", "password": "hunter2"}, ""),
    ("management_ipmi_credentials", {"username": "u"}, "management_ipmi_credentials needs the key 'password'"),
    (
        "management_ipmi_credentials",
        {"username": 5, "password": "hunter2"},
        "management_ipmi_credentials.username must",
    ),
    ("contactgroups", {"groups": ["all"]}, ""),
    ("contactgroups", {"groups": ["all"], "use": True, "recurse_perms": False}, ""),
    ("contactgroups", {"use": True}, "contactgroups needs the key 'groups'"),
    ("contactgroups", {"groups": "all"}, "contactgroups.groups must be a list"),
    ("contactgroups", {"groups": [5]}, "contactgroups.groups[0] must be a string"),
    ("contactgroups", {"groups": [], "use": "yes"}, "contactgroups.use must be true or false"),
    ("contactgroups", {"groups": [], "recurse": True}, "contactgroups has the unknown key 'recurse'; did you mean"),
    ("contactgroups", {}, "contactgroups needs the key 'groups'; null removes the attribute"),
    ("locked_by", {"site_id": "s", "program_id": "p", "instance_id": "i"}, ""),
    ("locked_by", {"site_id": "s", "program_id": "p"}, "locked_by needs the key 'instance_id'"),
    ("locked_by", {"site_id": "s", "program_id": "p", "instance_id": None}, "locked_by.instance_id must be a string"),
    ("network_scan", SCAN, ""),
    ("network_scan", {**SCAN, "addresses": [RANGE], "exclude_addresses": [{"type": "exclude_by_regexp"}]}, ""),
    ("network_scan", {**SCAN, "scan_interval": 86400, "max_parallel_pings": 200, "set_ip_address": False}, ""),
    ("network_scan", {**SCAN, "translate_names": {"convert_case": "lower", "drop_domain": True}}, ""),
    ("network_scan", {"addresses": []}, "network_scan needs the key 'time_allowed'"),
    ("network_scan", {**SCAN, "addresses": [{"network": "x"}]}, "network_scan.addresses[0].type must be one of"),
    (
        "network_scan",
        {**SCAN, "addresses": [{**RANGE, "addresses": []}]},
        "network_scan.addresses[0] has the unknown key 'addre",
    ),
    ("network_scan", {**SCAN, "addresses": ["192.0.2.0/24"]}, "network_scan.addresses[0] must be a mapping"),
    (
        "network_scan",
        {**SCAN, "scan_interval": 60},
        "network_scan.scan_interval must be a whole number of at least 3600",
    ),
    (
        "network_scan",
        {**SCAN, "max_parallel_pings": 500},
        "network_scan.max_parallel_pings must be a whole number from 1",
    ),
    ("network_scan", {**SCAN, "max_parallel_pings": True}, "network_scan.max_parallel_pings must be a whole number"),
    (
        "network_scan",
        {**SCAN, "time_allowed": [{"start": "8:30", "end": "9"}]},
        "network_scan.time_allowed[0].start must",
    ),
    (
        "network_scan",
        {**SCAN, "time_allowed": [{"start": 510, "end": 540}]},
        "network_scan.time_allowed[0].start must be",
    ),
    (
        "network_scan",
        {**SCAN, "translate_names": {"convert_case": "x"}},
        "network_scan.translate_names.convert_case must",
    ),
    (
        "network_scan",
        {**SCAN, "translate_names": {"regexp_rewrites": [{"search": "x" * 31, "replace_with": ""}]}},
        "netwo",
    ),
]


@pytest.mark.parametrize(("name", "value", "said"), SHAPES)
def test_mappings_must_have_the_shape_that_checkmk_expects(name: str, value: Any, said: str) -> None:
    mistakes = _mistakes({name: value})
    assert mistakes == [] if not said else mistakes[0].startswith(said), mistakes
    assert "hunter2" not in str(mistakes)
    assert _mistakes({name: value}, kind="folder") if name == "locked_by" else True


def test_mappings_are_checked_after_the_merge() -> None:
    """Keys that the inventory does not name are kept, so they need not be given."""
    full = {"groups": ["all"], "use": False}
    assert not _mistakes({"contactgroups": {"use": True}}, held("host", "a", attributes__contactgroups=full))
    assert _mistakes({"contactgroups": {"usee": True}}, held("host", "a", attributes__contactgroups=full))


def test_unchanged_values_are_not_checked() -> None:
    """The site has accepted the value, and it is not sent again."""
    wrong = {"ipaddress": "1.2.3.4/24", "tag_agent": "old"}
    assert not _mistakes(wrong, held("host", "a", attributes__ipaddress="1.2.3.4/24", attributes__tag_agent="old"))
    assert len(_mistakes(wrong, held("host", "a", attributes__ipaddress="1.2.3.4/25"))) == 2
    assert not _mistakes({"ipaddress": None, "tag_agent": None}, held("host", "a", attributes__ipaddress="x"))


@pytest.mark.parametrize("name", sorted(NOT_OF_FOLDERS))
def test_folders_lack_some_attributes(name: str) -> None:
    assert f"folders have no attribute {name}" in _mistakes({name: _some(name)}, kind="folder")


def _some(name: str) -> Any:
    lists = ("additional_ipv4addresses", "additional_ipv6addresses", "locked_attributes")
    return [] if name in lists else {} if name in ("locked_by", "metrics_association") else "x"


@pytest.mark.parametrize(("name", "since"), NEWER.items())
def test_older_versions_lack_some_attributes(name: str, since: str) -> None:
    value: Any = True if name == "waiting_for_discovery" else _some(name)
    assert _mistakes({name: value}, version="2.2.0p44") == [f"Checkmk 2.2.0p44 has no attribute {name}"]
    assert not _mistakes({name: value}, version=since)
    assert not _mistakes({name: value}), "an unknown version counts as a recent one"


@pytest.mark.parametrize(
    ("edition", "attribute", "takes"),
    [
        ("cre", "bake_agent_package", False),
        ("cee", "bake_agent_package", True),
        ("cee", "cmk_agent_connection", False),
        ("cce", "cmk_agent_connection", True),
        ("cme", "cmk_agent_connection", True),
    ],
)
@pytest.mark.parametrize("version", ["2.4.0p18", "2.5.0p9"])
def test_some_editions_lack_attributes(
    version: str, edition: str, attribute: str, takes: bool, clock: ManualClock, connect: Any
) -> None:
    value: Any = "push-agent" if attribute == "cmk_agent_connection" else True
    desired = from_data({"hosts": [{"name": "a", "attributes": {attribute: value}}]})
    with SimulatedSite(version, edition, clock=clock) as site:
        cmk: Checkmk = connect(site)
        if takes:
            assert apply_plan(cmk, make_plan(cmk, desired)).ok
        else:
            with pytest.raises(InventoryError, match=f"this edition of Checkmk .* has no attribute {attribute}"):
                make_plan(cmk, desired)


@pytest.mark.parametrize(
    ("version", "takes"),
    [
        ("2.2.0p44", True),
        ("2.3.0b1", False),
        ("2.3.0p41", False),
        ("2.4.0p18", False),
        ("2.5.0p9", False),
        ("2.6.0b1", True),
    ],
)
def test_label_values_with_a_colon_are_refused_in_some_versions(version: str, takes: bool) -> None:
    mistakes = _mistakes({}, version=version, labels={"url": "http://x:80"})
    said = f"the label url is 'http://x:80', but Checkmk {version} refuses values with ':'"
    assert mistakes == ([] if takes else [said])
    assert not _mistakes(
        {}, held("host", "a", labels__url="http://x:80"), version=version, labels={"url": "http://x:80"}
    )
    hidden = _mistakes({}, version=version, labels={"my_token": "hunter2:x"})
    assert "hunter2" not in str(hidden)


@pytest.mark.parametrize("version", ["2.2.0p44", "2.4.0p18"])
def test_values_are_checked_for_the_version_of_the_site(version: str, clock: ManualClock, connect: Any) -> None:
    with SimulatedSite(version, clock=clock) as site:
        cmk: Checkmk = connect(site)
        desired = from_data({"hosts": [{"name": "a", "labels": {"url": "http://x:80"}}]})
        if version == "2.2.0p44":
            assert apply_plan(cmk, make_plan(cmk, desired)).ok
            assert make_plan(cmk, desired).is_empty
        else:
            with pytest.raises(InventoryError, match="refuses values with ':'"):
                make_plan(cmk, desired)


def test_invalid_values_are_reported_before_anything_is_sent(site_for_cli: SimulatedSite, sync: Run) -> None:
    for command in (["plan"], ["apply", "--yes"]):
        refused = sync(*command, str(DATA / "addresses.csv"))
        assert refused.code == 2
        assert "5 mistakes in the inventory" in refused.err
    assert {request.method for request in site_for_cli.requests} == {"GET"}
