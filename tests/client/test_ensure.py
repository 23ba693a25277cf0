"""``ensure`` of hosts and folders writes only if it is necessary, and says what it did."""

from __future__ import annotations

from checkmk_sync import Checkmk
from checkmk_sync.testing import Fault, SimulatedSite


def _writes(site: SimulatedSite) -> list[str]:
    return [request.method for request in site.requests if request.method != "GET"]


def test_a_missing_host_is_created(site: SimulatedSite, cmk: Checkmk) -> None:
    result = cmk.hosts.ensure("web01", "/", {"alias": "Web"})
    assert (result.before, result.actions, result.changed) == (None, ("create",), True)
    assert result.after == cmk.hosts.get("web01")
    assert result.diff() == {"folder": (None, "/"), "alias": (None, "Web")}
    assert _writes(site) == ["POST"]


def test_a_host_is_moved_and_changed_once(site: SimulatedSite, cmk: Checkmk) -> None:
    cmk.folders.create("/linux")
    cmk.hosts.create("web01", "/", {"alias": "Web", "labels": {"env": "test"}})
    already = len(_writes(site))
    wanted = ("web01", "/linux", {"labels": {"env": "prod"}})
    result = cmk.hosts.ensure(*wanted)
    assert result.actions == ("move", "update")
    assert result.diff() == {"folder": ("/", "/linux"), "labels": ({"env": "test"}, {"env": "prod"})}
    assert (result.after.folder, result.after.labels, result.after.attributes["alias"]) == (
        "/linux", {"env": "prod"}, "Web",
    )  # fmt: skip
    assert len(_writes(site)) == already + 2
    assert not cmk.hosts.ensure(*wanted).changed
    assert not cmk.hosts.ensure("web01").changed
    assert len(_writes(site)) == already + 2


def test_check_writes_nothing_and_returns_the_same(site: SimulatedSite, cmk: Checkmk) -> None:
    cmk.folders.create("/linux")
    cmk.hosts.create("web01", "/", {"alias": "Web"})
    already = len(_writes(site))
    for arguments in (("web01", "/linux", {"alias": "Web server"}), ("web02", "/linux", {"ipaddress": "192.0.2.1"})):
        checked = cmk.hosts.ensure(*arguments, check=True)
        assert len(_writes(site)) == already
        done = cmk.hosts.ensure(*arguments)
        assert (checked.actions, checked.diff(), checked.before) == (done.actions, done.diff(), done.before)
        assert (checked.after.folder, checked.after.attributes) == (done.after.folder, done.after.attributes)
        assert checked.after.etag is None, "the site has never had this state"
        already = len(_writes(site))


def test_secrets_are_hidden_in_the_difference(cmk: Checkmk) -> None:
    community = {"type": "v1_v2_community", "community": "very-secret"}
    result = cmk.hosts.ensure("switch", attributes={"snmp_community": community})
    assert result.changed
    assert "very-secret" not in repr(result) + repr(result.diff())


def test_a_missing_folder_is_created_with_its_parents(site: SimulatedSite, cmk: Checkmk) -> None:
    result = cmk.folders.ensure("/a/b", title="Beta", check=True)
    assert (result.actions, result.after.path, result.after.title, _writes(site)) == (("create",), "/a/b", "Beta", [])
    assert cmk.folders.ensure("/a/b", title="Beta").after == cmk.folders.get("/a/b")
    assert _writes(site) == ["POST", "POST"]
    assert not cmk.folders.ensure("/a/b").changed


def test_a_folder_is_changed_if_it_differs(site: SimulatedSite, cmk: Checkmk) -> None:
    cmk.folders.create("/a", title="Alpha", attributes={"tag_criticality": "test"})
    wanted = {"title": "Beta", "attributes": {"tag_criticality": "prod"}}
    checked, done = cmk.folders.ensure("/a", check=True, **wanted), cmk.folders.ensure("/a", **wanted)
    assert checked.after.etag is None
    assert checked.diff() == done.diff() == {"title": ("Alpha", "Beta"), "tag_criticality": ("test", "prod")}
    assert done.actions == ("update",)
    assert (done.after.title, done.after.attributes["tag_criticality"]) == ("Beta", "prod")
    assert not cmk.folders.ensure("/a", **wanted).changed
    assert not cmk.folders.ensure("/").changed


def test_a_lost_answer_is_settled(site: SimulatedSite, cmk: Checkmk) -> None:
    for arguments in ({"attributes": {"alias": "a"}}, {"attributes": {"alias": "b"}}):
        site.set_faults([Fault("reset_after", writes=True, times=1)])
        assert cmk.hosts.ensure("web01", **arguments).changed
        assert not cmk.hosts.ensure("web01", **arguments).changed
