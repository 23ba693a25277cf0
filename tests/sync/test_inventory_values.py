"""Values that no version of Checkmk accepts are reported with the other mistakes, without a site."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from checkmk_sync.errors import InventoryError
from checkmk_sync.sync import diff, from_data, load
from checkmk_sync.testing import SimulatedSite
from tests.conftest import Run
from tests.sync.test_plan import held, holding

MISTAKES = """\
hosts:
- name: web01
  attributes:
    ipaddress: 192.0.2.1/24
    snmp_community: {type: v2, community: hunter2}
- name: web02
  attributes:
    ipaddress: 1.92E+02
    ipv6address: 192.0.2.1
    tag_agent: cmk_agent
    inventory_failed: []
- name: web03
  attributes: {parents: ["a b"], alias: {ipaddress: 192.0.2.1}}
folders:
- path: /linux
  attributes: {alias: x}
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "hosts.yaml"
    path.write_text(MISTAKES)
    return path


def _refused(data: Any) -> list[str]:
    return [problem.message for problem in from_data(data).refused]


def _of_host(**attributes: Any) -> list[str]:
    return _refused({"hosts": [{"name": "a", "attributes": attributes}]})


def test_all_mistakes_are_reported_at_once_with_their_locations(path: Path) -> None:
    with pytest.raises(InventoryError) as caught:
        load(path)
    found = [(problem.line, problem.column, problem.message.partition(": ")[2]) for problem in caught.value.problems]
    assert [(line, column) for line, column, _ in found] == [
        (4, 5), (5, 5), (8, 5), (9, 5), (10, 5), (11, 5), (13, 16), (13, 34), (16, 16),
    ]  # fmt: skip
    assert "write 192.0.2.1 without the mask" in found[0][2]
    assert "snmp_community.type must be one of" in found[1][2]
    assert "read as 192.0, not as a string" in found[2][2]
    assert "hunter2" not in str(caught.value)


def test_inventory_check_reports_such_values_without_a_site(tmp_path: Path, sync: Run) -> None:
    file = tmp_path / "hosts.csv"
    file.write_text("name,ipaddress,ipv6address\nweb01,192.0.2.1/24,\nweb02,1.92E+02,192.0.2.1\nok,192.0.2.9,\n")
    checked = sync("inventory", "check", str(file))
    assert (checked.code, checked.out) == (2, "")
    first, second, third = checked.err.splitlines()
    assert first.startswith(f"{file}:2: column 2 (ipaddress): host web01: ipaddress is '192.0.2.1/24'")
    assert second.endswith("a spreadsheet converted it to a number, so format the column as text")
    assert third.startswith(f"{file}:3: column 3 (ipv6address): host web02: ipv6address is '192.0.2.1'")
    as_json = sync("inventory", "check", str(file), "--json")
    assert (as_json.code, as_json.out) == (2, "")
    assert [problem["line"] for problem in json.loads(as_json.err)["problems"]] == [2, 3, 3]


def test_a_constant_of_a_mapping_file_is_reported_once_at_its_own_location(tmp_path: Path, sync: Run) -> None:
    export, mapping = tmp_path / "x.csv", tmp_path / "map.yaml"
    export.write_text("Host,IP\na,192.0.2.1/24\nb,192.0.2.2\n")
    mapping.write_text('name: "{Host}"\nattributes: {ipaddress: "{IP}", tag_agent: bogus}\n')
    assert sync("inventory", "check", str(export), "--map", str(mapping)).err.splitlines() == [
        f"{mapping}:2:33: unknown tag_agent 'bogus'; use one of: cmk-agent, all-agents, special-agents, no-agent"
    ]
    mapping.write_text('name: "{Host}"\nattributes: {ipaddress: "{IP}"}\n')
    (said,) = sync("inventory", "check", str(export), "--map", str(mapping)).err.splitlines()
    assert said.startswith(f"{export}:2: column 2 (IP): host a: ipaddress is '192.0.2.1/24'")


def test_a_plan_reports_each_mistake_once(site_for_cli: SimulatedSite, sync: Run, tmp_path: Path) -> None:
    file = tmp_path / "hosts.csv"
    file.write_text("name,ipaddress,parents\nweb01,192.0.2.1/24,gone\n")
    refused = sync("plan", str(file))
    assert refused.code == 2
    assert refused.err.count("192.0.2.1/24") == 1
    assert "2 mistakes" in refused.err, "including the mistakes that need the site"
    file.write_text("name,ipaddress,parents\nweb01,192.0.2.1/24,gone\nweb01,,\n")
    refused = sync("plan", str(file))
    assert refused.err.count("192.0.2.1/24") == 1
    assert "occurs twice" in refused.err


def test_an_invalid_value_that_the_site_already_has_is_accepted() -> None:
    desired = from_data({"hosts": [{"name": "a", "attributes": {"ipaddress": "192.0.2.1/24"}}]})
    assert len(desired.refused) == 1
    assert not diff(desired, holding(held("host", "a", attributes__ipaddress="192.0.2.1/24"))).changes
    with pytest.raises(InventoryError, match="without the mask"):
        diff(desired, holding())


@pytest.mark.parametrize(
    "attributes",
    [
        {"ipaddress": ""},  # accepted by 2.3 and later
        {"ipaddress": "-web01"},  # accepted by 2.2
        {"waiting_for_discovery": True},
        {"relay": "x"},
        {"contactgroups": {"use": True}},  # the site may have the groups
        {"snmp_community": {"community": "public"}},  # and the type
        {"snmp_community": {"type": "v1_v2_community"}},
        {"ipaddress": None, "snmp_community": None},
        {"my_own": "192.0.2.1/24", "tag_own": "x"},
    ],
)
def test_values_that_some_versions_accept_are_left_to_the_plan(attributes: Any) -> None:
    assert _of_host(**attributes) == []
    assert _refused({"hosts": [{"name": "-x", "labels": {"url": "http://x:80"}}]}) == []


@pytest.mark.parametrize(
    ("attributes", "said"),
    [
        ({"additional_ipv4addresses": ["192.0.2.1", "192.0.2.2/32"]}, "additional_ipv4addresses[1]"),
        ({"management_address": "a b"}, "contains a space"),
        ({"contactgroups": {"groups": "all"}}, "contactgroups.groups must be a list"),
        ({"contactgroups": {"recurse": True}}, "unknown key 'recurse'"),
        ({"snmp_community": {"type": "v2"}}, "type must be one of"),
        ({"snmp_community": {"type": "v1_v2_community", "user": "x"}}, "unknown key 'user'"),
        ({"tag_snmp_ds": "snmp"}, "unknown tag_snmp_ds 'snmp'"),
        ({"parents": ["a,b"]}, "separate parents with '|'"),
        ({"bake_agent_package": 1}, "must be true or false"),
    ],
)
def test_values_that_no_version_accepts_are_reported(attributes: Any, said: str) -> None:
    (message,) = _of_host(**attributes)
    assert said in message


@pytest.mark.parametrize("data", ["hosts", 5, True, {"name"}, Path("hosts.yaml")])
def test_data_of_another_type_is_a_mistake_in_the_inventory(data: Any) -> None:
    with pytest.raises(
        InventoryError, match="an inventory must be a mapping with 'hosts' and 'folders'.*load"
    ) as caught:
        from_data(data)
    assert len(caught.value.problems) == 1
    with pytest.raises(InventoryError, match="'hosts' must be a list"):
        from_data({"hosts": data})


def test_tuples_count_as_lists() -> None:
    def data(kind: type[Any]) -> Any:
        attributes = {"parents": kind(["a", "b"]), "contactgroups": {"groups": kind(["all"])}}
        return {"hosts": kind([{"name": "c", "attributes": attributes}]), "folders": kind([{"path": "/x"}])}

    assert from_data(data(tuple)) == from_data(data(list))
    assert from_data(({"name": "c"},)) == from_data([{"name": "c"}])  # type: ignore[arg-type]
    assert _of_host(parents=("a b",)) == _of_host(parents=["a b"]) != []
