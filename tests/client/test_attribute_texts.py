"""Strings for attributes are converted in the same way in the library, on the command line and in files."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from checkmk_sync import Checkmk
from checkmk_sync.client.updates import json_mapping
from checkmk_sync.services import CachedHostService, HostService
from checkmk_sync.testing import SimulatedSite
from tests.conftest import Run

V3 = {"type": "v3_no_auth_no_privacy", "security_name": "monitoring"}
GROUPS = {"use": False, "use_for_services": False, "recurse_use": False, "recurse_perms": False, "groups": ["all"]}
# attribute, string, converted value
TEXTS = [
    ("snmp_community", "public", {"type": "v1_v2_community", "community": "public"}),
    ("snmp_community", json.dumps(V3), V3),
    ("management_snmp_community", "public", {"type": "v1_v2_community", "community": "public"}),
    ("parents", "gw01|gw02", ["gw01", "gw02"]),
    ("parents", "gw01", ["gw01"]),
    ("parents", "", []),
    ("parents", '["gw01"]', ["gw01"]),
    ("additional_ipv4addresses", "192.0.2.1 | 192.0.2.2", ["192.0.2.1", "192.0.2.2"]),
    ("contactgroups", "all", GROUPS),
    ("contactgroups", '{"groups": ["all"]}', GROUPS),
    ("inventory_failed", "yes", True),
    ("inventory_failed", "False", False),
    ("labels", '{"env": "prod"}', {"env": "prod"}),
    # Checkmk accepts strings for these attributes.
    ("alias", "[a|b]", "[a|b]"),
    ("alias", "true", "true"),
    ("tag_criticality", "prod", "prod"),
]


@pytest.fixture
def gateways(cmk: Checkmk) -> Checkmk:
    cmk.hosts.bulk_create([{"host_name": name} for name in ("gw01", "gw02")])
    return cmk


@pytest.mark.parametrize(("name", "text", "value"), TEXTS)
def test_strings_are_converted_to_values_in_every_call(gateways: Checkmk, name: str, text: str, value: Any) -> None:
    hosts = gateways.hosts
    assert hosts.create("created", "/", {name: text}).attributes[name] == value
    hosts.create("web01")
    assert hosts.update("web01", update_attributes={name: text}).attributes[name] == value
    assert hosts.update("web01", attributes={name: text}).attributes == {name: value}
    hosts.update("web01", attributes={})
    assert hosts.update("web01", lambda attributes: {**attributes, name: text}).attributes[name] == value
    hosts.bulk_create([{"host_name": "bulk", "attributes": {name: text}}]).raise_for_failures()
    assert hosts.get("bulk").attributes[name] == value
    hosts.update("bulk", attributes={})
    hosts.bulk_update([{"host_name": "bulk", "update_attributes": {name: text}}]).raise_for_failures()
    assert hosts.get("bulk").attributes[name] == value


@pytest.mark.parametrize(("name", "text", "value"), TEXTS)
def test_the_command_line_accepts_the_same_strings(
    site_for_cli: SimulatedSite, sync: Run, name: str, text: str, value: Any
) -> None:
    with site_for_cli.client() as cmk:
        cmk.hosts.bulk_create([{"host_name": name} for name in ("gw01", "gw02")])
    made = sync("hosts", "create", "new", "--attribute", f"{name}={text}", "--json")
    assert made.code == 0, made.err
    shown = made.data if name == "labels" else made.data["attributes"]
    assert shown[name] == value


@pytest.mark.parametrize("kind", [HostService, CachedHostService])
def test_services_accept_the_same_strings(gateways: Checkmk, kind: Any) -> None:
    service = kind(gateways)
    service.create_host("web01", attributes={"snmp_community": "public"})
    found = service.update_host("web01", update_attributes={"parents": "gw01|gw02"}).attributes
    assert (found["parents"], found["snmp_community"]["community"]) == (["gw01", "gw02"], "public")


def test_folders_accept_the_same_strings(cmk: Checkmk) -> None:
    folder = cmk.folders.create("/linux", attributes={"snmp_community": "public"})
    assert folder.attributes["snmp_community"]["community"] == "public"
    assert (
        cmk.folders.update("/linux", update_attributes={"contactgroups": "all"}).attributes["contactgroups"] == GROUPS
    )


def test_a_string_for_the_current_value_sends_nothing(site: SimulatedSite, gateways: Checkmk) -> None:
    gateways.hosts.create("web01", "/", {"parents": "gw01|gw02"})
    before = len([request for request in site.requests if request.method != "GET"])
    gateways.hosts.update("web01", lambda attributes: {**attributes, "parents": "gw01|gw02"})
    assert len([request for request in site.requests if request.method != "GET"]) == before


@pytest.mark.parametrize(
    ("attributes", "said"),
    [
        (
            {"parents": "["},
            "the attribute 'parents' of 'web01' cannot be sent: '[' starts like JSON but is not valid JSON "
            "(character 2: Expecting value)",
        ),
        (
            {"snmp_community": "{geheim"},
            "the attribute 'snmp_community' of 'web01' cannot be sent: the hidden value starts",
        ),
        ({"inventory_failed": "maybe"}, "'maybe' is not true or false"),
    ],
)
def test_invalid_strings_are_refused_before_anything_is_sent(
    site: SimulatedSite, cmk: Checkmk, attributes: Any, said: str
) -> None:
    for call in (
        lambda: cmk.hosts.create("web01", "/", attributes),
        lambda: cmk.hosts.update("web01", update_attributes=attributes),
        lambda: cmk.hosts.bulk_create([{"host_name": "web01", "attributes": attributes}]).raise_for_failures(),
    ):
        with pytest.raises(Exception, match=re.escape(said)) as caught:
            call()
        assert "geheim" not in str(caught.value)
    assert not [request for request in site.requests if request.method in ("POST", "PUT")]


def test_strings_of_other_attributes_are_sent_unchanged() -> None:
    """Values of custom attributes are strings, even if they start like JSON."""
    own = {"rack": "[4]", "note": '{"a": 1}', "ports": "1|2", "alias": "[x"}
    assert json_mapping(own, "web01") == own
