"""``explain`` shows the fields of all kinds, and the attributes of hosts and folders that the site defines."""

from __future__ import annotations

from typing import Any

import pytest

from checkmk_sync.catalogue.nouns import NOUNS
from checkmk_sync.commands.handlers.explain import explain
from checkmk_sync.testing import SimulatedSite
from tests.conftest import Run

TAGS = [{"id": "live", "title": "Live"}, {"id": "lab", "title": "Lab"}]


def _explain(site: SimulatedSite, what: str, host: Any = None, user: Any = None) -> dict[str, Any]:
    with site.client(user) as cmk:
        return {row["name"]: row for row in explain(cmk, what, host)}


@pytest.mark.parametrize("version", ["2.2.0p44", "2.3.0p41", "2.4.0p18", "2.5.0p9"])
def test_attributes_of_the_site_are_explained(version: str) -> None:
    with SimulatedSite(version, hosts=1) as site:
        site.add_custom_attribute("rack")
        with site.client() as cmk:
            cmk.tag_groups.create("env", title="Environment", tags=TAGS)
        rows = _explain(site, "hosts")
        assert rows["rack"]["about"] == "custom attribute of the site"
        assert rows["tag_env"] == {
            "name": "tag_env",
            "type": "text",
            "one_of": "live, lab",
            "about": "tag group 'Environment'",
            "example": "live",
            "titles": {"live": "Live", "lab": "Lab"},
        }
        assert rows["management_protocol"]["one_of"] == "none, snmp, ipmi"
        assert ("relay" in rows) is (version == "2.5.0p9")
        assert "?" not in rows
        folders = _explain(site, "folders")
        assert {"tag_env", "rack", "labels"} <= folders.keys()
        assert "ipaddress" not in folders


def test_one_field_is_explained_with_few_requests(site: SimulatedSite) -> None:
    assert list(_explain(site, "hosts.tag_criticality")) == ["tag_criticality"]
    assert list(_explain(site, "folders.contactgroups")) == ["contactgroups"]
    assert not [request for request in site.requests if "host_config" in request.path]


def test_fields_of_other_kinds_are_explained_in_both_spellings(site: SimulatedSite) -> None:
    assert list(_explain(site, "time-periods")) == [field.name for field in NOUNS["time_periods"].fields]
    (row,) = _explain(site, "tag_groups.tags").values()
    assert row["about"].endswith("One tag can lack an ID; required to create")
    assert _explain(site, "passwords.password")["password"]["example"] is None


def test_unknown_names_are_refused_with_the_closest_one(site: SimulatedSite) -> None:
    site.add_custom_attribute("rack")
    with site.client() as cmk:
        cmk.hosts.create("web01")
    with pytest.raises(ValueError, match="unknown kind 'host'; did you mean 'hosts'"):
        _explain(site, "host")
    with pytest.raises(ValueError, match="hosts do not have the field 'rak'; did you mean 'rack'"):
        _explain(site, "hosts.rak")


def test_unknown_parts_are_named(site: SimulatedSite) -> None:
    site.add_user("limited", "secret", without=["wato.hosttags"])
    rows = _explain(site, "hosts", user="limited")
    assert rows["?"]["about"].startswith("the tag groups are unknown")
    assert rows["tag_agent"]["one_of"]
    with pytest.raises(ValueError, match=r"hosts do not have the field 'tag_env' \(the tag groups are unknown"):
        _explain(site, "hosts.tag_env", user="limited")
    assert "because the site has no hosts" in _explain(site, "hosts")["?"]["about"]
    assert "the user cannot see the host 'gone'" in _explain(site, "hosts", "gone")["?"]["about"]


def test_the_command_prints_a_line_for_each_field(site_for_cli: SimulatedSite, sync: Run) -> None:
    assert sync("explain", "hosts.tag_networking").out == (
        "tag_networking\ttext\tlan, wan, dmz\ttag group 'Networking Segment'\n"
    )
    refused = sync("explain", "hosts.nope")
    assert (refused.code, "hosts do not have the field 'nope'" in refused.err) == (2, True)
