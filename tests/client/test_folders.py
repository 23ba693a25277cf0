"""``client.folders`` accepts every spelling, creates parents on demand, and deletes contents only on request."""

from __future__ import annotations

import dataclasses
from functools import partial
from typing import Any

import pytest

from checkmk_sync import Checkmk
from checkmk_sync.errors import BadRequestError, CheckmkError, ConflictError, ForbiddenError, NotFoundError
from checkmk_sync.sync import Action, Change, apply_plan, from_data, make_plan, report_as_text
from checkmk_sync.sync.observed import ExistingObject
from checkmk_sync.testing import ManualClock, SimulatedSite


def test_every_spelling_finds_the_folder(site: SimulatedSite, cmk: Checkmk) -> None:
    created = cmk.folders.create("/a/b", title="B", attributes={"tag_criticality": "test"}, parents=True)
    ident = site.state.configuration.folders["/a/b"].ident
    for spelling in ("/a/b", "~a~b", "\\a\\b", "a/b", "/a/b/", ident, ident.upper()):
        assert cmk.folders.get(spelling) == created
    assert created.attributes["tag_criticality"] == "test"
    assert cmk.folders.get("/").path == "/"
    assert cmk.folders.find("/a/c") is None


def test_create_can_create_parents_and_accept_existing_folders(site: SimulatedSite, cmk: Checkmk) -> None:
    cmk.folders.create("/a", title="Alpha")
    cmk.folders.create("/a/b/c", title="Gamma", parents=True)
    assert [(folder.path, folder.title) for folder in cmk.folders.each("/a")] == [
        ("/a", "Alpha"), ("/a/b", "b"), ("/a/b/c", "Gamma"),
    ]  # fmt: skip
    assert cmk.folders.create("/a", title="Other", exist_ok=True).title == "Alpha"
    assert cmk.folders.create("/", exist_ok=True).path == "/"
    assert sum(request.method == "POST" for request in site.requests) == 3
    with pytest.raises(BadRequestError, match="already exists"):
        cmk.folders.create("/a", parents=True)


def test_create_needs_an_existing_parent(cmk: Checkmk) -> None:
    with pytest.raises(BadRequestError, match="parent"):
        cmk.folders.create("/no/child")
    cmk.folders.create("/no")
    with pytest.raises(BadRequestError, match="already exists"):
        cmk.folders.create("/no")
    for wrong in ("/", "0123456789abcdef0123456789abcdef"):
        with pytest.raises(ValueError, match="cannot be created"):
            cmk.folders.create(wrong)


def test_each_lists_folders_below_a_parent(cmk: Checkmk) -> None:
    cmk.folders.ensure("/a/b")
    assert [folder.path for folder in cmk.folders.each()] == ["/", "/a", "/a/b"]
    assert [folder.path for folder in cmk.folders.each(recursive=False)] == ["/a"]
    with pytest.raises(BadRequestError):
        list(cmk.folders.each("/nope"))


def test_folder_names_may_use_any_alphabet(cmk: Checkmk) -> None:
    assert cmk.folders.create("/ûmläut亿").path == "/ûmläut亿"
    assert cmk.folders.get("~ûmläut亿").title == "ûmläut亿"
    cmk.hosts.create("web01", "/ûmläut亿")
    assert [host.name for host in cmk.hosts.each(folder="/ûmläut亿")] == ["web01"]


@pytest.mark.parametrize("version", ["2.2.0p44", "2.4.0p18"])
def test_delete_keeps_the_contents_unless_recursive(clock: ManualClock, version: str) -> None:
    with SimulatedSite(version, clock=clock) as site, site.client(clock=clock) as cmk:
        cmk.folders.ensure("/a/b")
        cmk.hosts.create("web01", "/a/b")
        for folder in ("/a", "/a/b"):
            with pytest.raises(ConflictError, match="not empty"):
                cmk.folders.delete(folder)
        assert "web01" in site.state.configuration.hosts
        cmk.folders.delete("/a", recursive=True)
        assert list(site.state.configuration.folders) == ["/"]
        assert not site.state.configuration.hosts
        with pytest.raises(NotFoundError):
            cmk.folders.delete("/a")
        cmk.folders.delete("/a", missing_ok=True)


def test_old_versions_delete_folders_only_with_recursive(clock: ManualClock, connect: Any) -> None:
    """Reading the folder first would not help, because another user may add a host in between."""
    with SimulatedSite("2.2.0p25", clock=clock) as site:
        cmk = connect(site)
        cmk.folders.ensure("/a/b")
        with pytest.raises(
            CheckmkError, match=r"Checkmk 2.2.0p25 can delete /a/b only together with its contents; .* 2.2.0p26"
        ):
            cmk.folders.delete("/a/b")
        assert all(request.method != "DELETE" for request in site.requests)
        cmk.folders.delete("/a", recursive=True)
        assert list(site.state.configuration.folders) == ["/"]


def test_a_sync_deletes_no_folders_on_old_versions(clock: ManualClock, connect: Any) -> None:
    with SimulatedSite("2.2.0p25", services=2, clock=clock) as site:
        cmk = connect(site)
        for inventory in ({"hosts": [{"name": "h", "folder": "/a"}]}, {"hosts": [{"name": "h", "folder": "/b"}]}):
            plan = make_plan(cmk, from_data(inventory), owner="me")
            assert apply_plan(cmk, plan).ok
        assert "/a" in site.state.configuration.folders
        found = ExistingObject("folder", "/a", {}, "me")
        report = apply_plan(cmk, dataclasses.replace(plan, changes=(Change(Action.DELETE, "folder", "/a", {}, found),)))
        assert [change.name for change, _ in report.failures()] == ["folder /a"]
        assert "only together with its contents" in report_as_text(report)
        assert site.state.configuration.hosts["h"].folder == "/b"
        assert "/a" in site.state.configuration.folders


def test_the_root_cannot_be_deleted(cmk: Checkmk) -> None:
    with pytest.raises(ForbiddenError, match="root folder"):
        cmk.folders.delete("/", recursive=True)


def test_update_changes_title_and_attributes(cmk: Checkmk) -> None:
    cmk.folders.create("/a", attributes={"tag_criticality": "test"})
    changed = cmk.folders.update("/a", title="A", update_attributes={"tag_networking": "wan"})
    assert (changed.title, changed.attributes["tag_networking"]) == ("A", "wan")
    changed = cmk.folders.update("/a", lambda attributes: {**attributes, "labels": {"x": "y"}})
    assert changed.labels == {"x": "y"}
    changed = cmk.folders.update("/a", remove_attributes=["tag_networking"])
    assert set(changed.attributes) == {"tag_criticality", "labels"}
    with pytest.raises(ValueError, match="give a change function"):
        cmk.folders.update("/a")
    with pytest.raises(ValueError, match="either a change function"):
        cmk.folders.update("/a", dict, attributes={})


def test_only_attributes_that_are_set_are_removed(site: SimulatedSite, cmk: Checkmk) -> None:
    values = {"tag_criticality": "test", "labels": {"x": "y"}}
    cmk.folders.create("/a", attributes=values)
    cmk.hosts.create("h", "/a", values)
    for update in (partial(cmk.folders.update, "/a"), partial(cmk.hosts.update, "h")):
        assert update(remove_attributes=["labels", "tag_agent"]).attributes == {"tag_criticality": "test"}
        sent = len(site.requests)
        assert update(remove_attributes=["labels"]).attributes == {"tag_criticality": "test"}
        assert [request.method for request in site.requests[sent:]] == ["GET"]


def test_a_removal_does_not_depend_on_other_attributes(site: SimulatedSite, cmk: Checkmk) -> None:
    cmk.hosts.create("h", "/", {"alias": "x"})
    stored = {"parents": "a|b", "waiting_for_discovery": "unknown"}  # values that a newer version might have
    site.state.configuration.hosts["h"].attributes.update(stored)
    assert cmk.hosts.update("h", remove_attributes=["alias"]).attributes == stored


def test_move_takes_a_folder_and_its_contents(cmk: Checkmk) -> None:
    cmk.folders.ensure("/a/b")
    cmk.folders.create("/c")
    cmk.hosts.create("web01", "/a/b")
    assert cmk.folders.move("/a/b", "/c").path == "/c/b"
    assert cmk.hosts.get("web01").folder == "/c/b"
    with pytest.raises(BadRequestError, match="can not be moved to a folder within itself"):
        cmk.folders.move("/c", "/c/b")


def test_hosts_inherit_from_folders(cmk: Checkmk) -> None:
    cmk.folders.ensure("/a", attributes={"labels": {"from": "a", "only": "a"}, "tag_networking": "wan"})
    cmk.folders.create("/a/b", attributes={"labels": {"from": "b"}})
    cmk.hosts.create("web01", "/a/b", {"labels": {"own": "1"}})
    host = cmk.hosts.get("web01", effective_attributes=True)
    assert host.labels == {"own": "1"}
    assert host.effective_attributes is not None
    assert host.effective_attributes["labels"] == {"from": "b", "only": "a", "own": "1"}
    assert host.effective_attributes["tag_networking"] == "wan"
