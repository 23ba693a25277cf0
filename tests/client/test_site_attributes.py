"""The tag groups and custom attributes of a site, which the client reads once and only when they are needed."""

from __future__ import annotations

import pytest

from checkmk_sync import Checkmk
from checkmk_sync.errors import BadRequestError
from checkmk_sync.testing import SimulatedSite

VERSIONS = ("2.2.0p44", "2.3.0p41", "2.4.0p18", "2.5.0p9")
TAGS = [{"id": "live", "title": "Live"}, {"id": "lab", "title": "Lab"}]


@pytest.mark.parametrize("version", VERSIONS)
def test_the_groups_and_custom_attributes_of_the_site_are_known(version: str) -> None:
    with SimulatedSite(version) as site, site.client() as cmk:
        site.add_custom_attribute("rack")
        cmk.tag_groups.create("env", title="Environment", tags=TAGS)
        cmk.hosts.create("web01", "/", {"rack": "12"})
        cmk.hosts.create("web02")
        found = cmk.host_attributes.read("web02")  # although it uses none of them
        assert found.custom == {"rack"}
        assert found.groups is not None and found.groups["env"].title == "Environment"
        assert {"agent", "criticality", "env"} <= found.groups.keys()
        assert found.gaps == ()


def test_they_are_read_once_until_a_tag_group_changes(cmk: Checkmk, site: SimulatedSite) -> None:
    cmk.hosts.create("web01")
    cmk.host_attributes.read("web01")
    before = len(site.requests)
    cmk.host_attributes.read("web01")
    assert len(site.requests) == before
    cmk.tag_groups.create("env", title="Environment", tags=TAGS)
    groups = cmk.host_attributes.read("web01").groups
    assert groups is not None and "env" in groups


def test_hosts_are_read_and_written_without_reading_them(cmk: Checkmk, site: SimulatedSite) -> None:
    cmk.hosts.create("web01", "/", {"tag_criticality": "prod"})
    cmk.hosts.update("web01", update_attributes={"tag_criticality": "test"})
    cmk.hosts.get("web01")
    list(cmk.hosts.each())
    assert not [request.path for request in site.requests if "host_tag_group" in request.path]


def test_what_the_user_cannot_see_is_unknown(site: SimulatedSite) -> None:
    site.add_user("reader", "secret", without=["wato.hosttags"])
    with site.client("reader") as cmk:
        found = cmk.host_attributes.read("gone")
    assert (found.groups, found.tags, found.custom) == (None, None, None)
    assert "the site refuses to list them" in found.gaps[0]
    assert "the user cannot see the host 'gone'" in found.gaps[1]


def test_without_a_host_only_the_tag_groups_are_read(cmk: Checkmk, site: SimulatedSite) -> None:
    found = cmk.host_attributes.read()
    assert (found.custom, found.gaps) == (None, ())
    assert [request.path for request in site.requests][-1] == "/domain-types/host_tag_group/collections/all"


@pytest.mark.parametrize("version", VERSIONS)
def test_the_refusal_of_a_tag_names_the_closest_one(version: str) -> None:
    with SimulatedSite(version) as site, site.client() as cmk:
        cmk.tag_groups.create("env", title="Environment", tags=TAGS)
        with pytest.raises(BadRequestError, match="the tag group 'envi' does not exist; did you mean 'env'?"):
            cmk.hosts.create("web01", "/", {"tag_envi": "live"})
        with pytest.raises(BadRequestError, match="the tag group 'env' has no tag 'labb'; did you mean 'lab'?"):
            cmk.folders.create("/labs", attributes={"tag_env": "labb"})
        cmk.hosts.create("web01", "/", {"tag_env": "live"})
        with pytest.raises(BadRequestError, match="has no tag 'x'; use one of: live, lab") as caught:
            cmk.hosts.update("web01", update_attributes={"tag_env": "x", "alias": "Web"})
        assert caught.value.fields and caught.value.status == 400
        outcomes = cmk.hosts.bulk_create([{"host_name": "a", "attributes": {"tag_env": "lap"}}, {"host_name": "b"}])
        assert [outcome.key for outcome in outcomes.applied] == ["b"]
        assert "did you mean 'lab'?" in outcomes.not_applied[0].reason
        assert (
            sum("host_tag_group/collections" in request.path and request.method == "GET" for request in site.requests)
            == 1
        )


def test_other_refusals_read_no_tag_groups(cmk: Checkmk, site: SimulatedSite) -> None:
    with pytest.raises(BadRequestError):
        cmk.hosts.create("web01", "/", {"ipaddress": "nonsense!"})
    cmk.hosts.bulk_delete(["gone"])
    assert not [request.path for request in site.requests if "host_tag_group" in request.path]


def test_the_refusal_stays_if_the_tag_groups_cannot_be_read(site: SimulatedSite) -> None:
    site.add_user("limited", "secret", without=["wato.hosttags"])
    with site.client("limited") as cmk, pytest.raises(BadRequestError) as caught:
        cmk.hosts.create("web01", "/", {"tag_criticality": "gold"})
    assert "tag group" not in str(caught.value)
