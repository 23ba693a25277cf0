"""Only a state that results from the write itself proves a write whose answer was lost."""

from __future__ import annotations

import datetime
from typing import Any, Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkmk_sync import Checkmk, Status
from checkmk_sync.client.updates import created_by, matches
from checkmk_sync.errors import BatchError, BrokenReplyError
from checkmk_sync.testing import Fault, ManualClock, SimulatedSite

LOST = [Fault("reset_before", writes=True, times=1)]
DONE = [Fault("reset_after", writes=True, times=1)]

LABELS_LESS: dict[str, Callable[[Checkmk], Any]] = {
    "merge": lambda cmk: cmk.hosts.update("h", update_attributes={"labels": {"env": "prod"}}),
    "function": lambda cmk: cmk.hosts.update("h", lambda found: {**found, "labels": {"env": "prod"}}),
    "replace": lambda cmk: cmk.hosts.update("h", attributes={"labels": {"env": "prod"}, "alias": "x"}),
    "none": lambda cmk: cmk.hosts.update("h", update_attributes={"labels": {}}),
    "folder": lambda cmk: cmk.folders.update("/f", update_attributes={"labels": {"env": "prod"}}),
}


@pytest.fixture
def labelled(site: SimulatedSite, cmk: Checkmk) -> SimulatedSite:
    labels = {"env": "prod", "old": "1"}
    cmk.hosts.create("h", "/", {"labels": labels, "alias": "x"})
    cmk.folders.create("/f", attributes={"labels": labels})
    return site


@pytest.mark.parametrize("name", LABELS_LESS)
def test_a_label_that_still_exists_was_not_removed(labelled: SimulatedSite, cmk: Checkmk, name: str) -> None:
    labelled.set_faults(LOST)
    with pytest.raises(BrokenReplyError):
        LABELS_LESS[name](cmk)
    labelled.set_faults(DONE)
    LABELS_LESS[name](cmk)
    configuration = labelled.state.configuration
    changed = configuration.folders["/f"] if name == "folder" else configuration.hosts["h"]
    assert "old" not in changed.attributes["labels"]


def test_a_label_that_still_exists_was_not_removed_in_bulk(labelled: SimulatedSite, cmk: Checkmk) -> None:
    labelled.set_faults(LOST)
    (outcome,) = cmk.hosts.bulk_update([{"host_name": "h", "update_attributes": {"labels": {"env": "prod"}}}])
    assert outcome.status is Status.UNKNOWN


def test_defaults_added_by_the_server_do_not_refute_a_write(site: SimulatedSite, cmk: Checkmk) -> None:
    site.set_faults(DONE)
    host = cmk.hosts.create("h", "/", {"contactgroups": {"groups": ["all"]}})
    assert len(host.attributes["contactgroups"]) == 5


VALUES = st.recursive(
    st.sampled_from(["", "x", 1, None]), lambda inner: st.dictionaries(st.sampled_from("ab"), inner), max_leaves=4
)
ATTRIBUTES = st.dictionaries(st.sampled_from(["alias", "labels", "parents"]), VALUES)


@given(ATTRIBUTES, ATTRIBUTES)
def test_an_update_matches_if_repeating_it_changes_nothing(found: dict[str, Any], wanted: dict[str, Any]) -> None:
    assert matches({"attributes": wanted}, found) is (found == wanted)
    assert matches({"update_attributes": wanted}, found) is ({**found, **wanted} == found)
    kept = {name: value for name, value in found.items() if name not in wanted}
    assert matches({"remove_attributes": list(wanted)}, found) is (kept == found)


CREATES: dict[str, Callable[[Checkmk], Any]] = {
    "host": lambda cmk: cmk.hosts.create("db", "/", {"alias": "x"}),
    "folder": lambda cmk: cmk.folders.create("/db", title="db", attributes={"labels": {"a": "b"}}),
    "bulk": lambda cmk: cmk.hosts.bulk_create([{"host_name": "db", "attributes": {"alias": "x"}}]).raise_for_failures(),
}


@pytest.fixture
def crowded(site: SimulatedSite, connect: Any, clock: ManualClock) -> SimulatedSite:
    """Connect as another user."""
    site.add_user("carol", "carols secret")
    clock.advance(3600)
    return site


@pytest.mark.parametrize("theirs", ["more", "user", "earlier"])
@pytest.mark.parametrize("name", CREATES)
def test_an_existing_object_was_not_created_by_this_call(
    crowded: SimulatedSite, connect: Any, clock: ManualClock, name: str, theirs: str
) -> None:
    """Checkmk would refuse to create it again, so it was not created by this call even if it looks the same."""
    cmk = connect(crowded)
    CREATES[name](connect(crowded, username="carol" if theirs == "user" else None))
    if theirs == "more" and name == "folder":
        cmk.folders.update("/db", update_attributes={"tag_criticality": "test"})
    elif theirs == "more":
        cmk.hosts.update("db", update_attributes={"ipaddress": "10.0.0.1"})
    clock.advance(0 if theirs == "user" else 5)
    crowded.set_faults(LOST)
    with pytest.raises((BrokenReplyError, BatchError), match="connection broke|1 are unknown"):
        CREATES[name](cmk)


@pytest.mark.parametrize("ours", [0.0, 1e9])
@pytest.mark.parametrize("name", CREATES)
def test_the_clocks_of_client_and_site_may_differ(name: str, ours: float, clock: ManualClock) -> None:
    with SimulatedSite(clock=clock) as site, site.client(clock=ManualClock(ours)) as cmk:
        clock.advance(0.9)
        site.set_faults(DONE)
        CREATES[name](cmk)


@pytest.mark.parametrize(
    ("meta", "is_ours"),
    [
        ({"created_by": "we", "created_at": "2025-03-01T09:00:00+00:00"}, True),
        ({"created_by": "we", "created_at": "2025-03-01T10:00:00.500+01:00"}, True),
        ({"created_by": "we", "created_at": "2025-03-01T09:00:00Z"}, True),
        ({"created_by": "we", "created_at": "2025-03-01T08:59:59+00:00"}, False),
        ({"created_by": "they", "created_at": "2025-03-01T09:00:00+00:00"}, False),
        ({"created_by": "we", "created_at": None}, False),
        ({"created_by": None, "created_at": "2025-03-01T09:00:00+00:00"}, False),
        (None, False),
    ],
)
def test_created_by_compares_creator_and_time(meta: Any, is_ours: bool) -> None:
    since = datetime.datetime(2025, 3, 1, 9, tzinfo=datetime.timezone.utc).timestamp()
    assert created_by("we", since, meta or {}) is is_ours
    assert not created_by("we", None, meta or {}), "without the time of the site, nothing is proven"


@pytest.fixture
def twins(site: SimulatedSite, cmk: Checkmk, clock: ManualClock) -> SimulatedSite:
    """Create ``/a`` and ``/c/a``. A move of ``/a`` into ``/c`` finds a folder of the same name there."""
    for folder in ("/a", "/c", "/c/a"):
        cmk.folders.create(folder)
        clock.advance(1)
    return site


@pytest.mark.parametrize("is_gone", [False, True])
def test_another_folder_with_the_same_name_is_not_the_moved_one(
    twins: SimulatedSite, cmk: Checkmk, is_gone: bool
) -> None:
    """This also applies if another user deletes the folder that should be moved."""

    def interfere(method: str, path: str) -> None:
        if is_gone and method == "GET" and path.endswith("~a"):
            twins.state.configuration.folders.pop("/a", None)

    twins.set_faults(LOST)
    before = cmk.folders.get("/a")
    twins.on_request(lambda method, path: interfere(method, path) if twins.state.faults.matched else None)
    with pytest.raises(BrokenReplyError):
        cmk.folders.move(before.path, "/c")


def test_a_folder_created_in_the_same_second_is_not_the_moved_one(site: SimulatedSite, cmk: Checkmk) -> None:
    for folder in ("/a", "/c", "/c/a"):
        cmk.folders.create(folder)
    site.set_faults(LOST)
    with pytest.raises(BrokenReplyError):
        cmk.folders.move("/a", "/c")


def test_a_folder_with_the_same_creation_is_the_moved_one(twins: SimulatedSite, cmk: Checkmk) -> None:
    cmk.folders.delete("/c/a")
    twins.set_faults(DONE)
    assert cmk.folders.move("/a", "/c").path == "/c/a"


BY_ID: dict[str, Callable[[Checkmk, str, str], Any]] = {
    "create host": lambda cmk, a, c: cmk.hosts.create("new", a).folder,
    "create hosts": lambda cmk, a, c: cmk.hosts.bulk_create([{"host_name": "new", "folder": a}])[0].status.value,
    "move host": lambda cmk, a, c: cmk.hosts.move("h", a).folder,
    "move folder": lambda cmk, a, c: cmk.folders.move(a, c).path,
    "update folder": lambda cmk, a, c: cmk.folders.update(a, title="Alpha").title,
    "delete folder": lambda cmk, a, c: cmk.folders.delete(c),
}


@pytest.mark.parametrize("name", BY_ID)
def test_folders_given_by_id_are_found_as_well(site: SimulatedSite, cmk: Checkmk, name: str) -> None:
    for folder in ("/a", "/c"):
        cmk.folders.create(folder)
    cmk.hosts.create("h")
    idents = [site.state.configuration.folders[path].ident for path in ("/a", "/c")]
    site.set_faults(DONE)
    assert BY_ID[name](cmk, *idents) in ("/a", "/c/a", "applied", "Alpha", None)


@pytest.mark.parametrize(
    "difference", [{"user": "carol"}, {"folder": "/a"}, {"title": "Other"}], ids=["user", "folder", "title"]
)
def test_an_object_that_appears_later_is_not_the_lost_one(
    site: SimulatedSite, cmk: Checkmk, difference: dict[str, str]
) -> None:
    cmk.folders.create("/a")
    configuration, reads = site.state.configuration, []
    found = {"user": "automation", "folder": "/", "title": "db", **difference}

    def appear(method: str, path: str) -> None:
        reads.append(path)
        if len(reads) == 2:  # the first read finds that the object is absent, and the second one searches for it
            if "title" in difference:
                configuration.add_folder("/db", found["title"], {}, user=found["user"])
            else:
                configuration.add_host("db", found["folder"], {}, user=found["user"])

    site.on_request(appear)
    site.set_faults(LOST)
    with pytest.raises(BrokenReplyError):
        cmk.folders.create("/db") if "title" in difference else cmk.hosts.create("db")
    assert "db" in configuration.hosts or "/db" in configuration.folders


def test_the_proof_of_a_bulk_call_reads_each_folder_once(site: SimulatedSite, cmk: Checkmk) -> None:
    cmk.folders.create("/a")
    ident = site.state.configuration.folders["/a"].ident
    site.set_faults(DONE)
    cmk.hosts.bulk_create({"host_name": f"h{n}", "folder": ident} for n in range(5)).raise_for_failures()
    assert sum(ident in request.path for request in site.requests) == 1


def test_a_move_to_the_current_folder_by_id_sends_nothing(site: SimulatedSite, cmk: Checkmk) -> None:
    cmk.folders.ensure("/a/b")
    cmk.hosts.create("h", "/a")
    ident = {path: folder.ident for path, folder in site.state.configuration.folders.items()}
    writes = sum(request.method != "GET" for request in site.requests)
    assert cmk.hosts.move("h", ident["/a"]).folder == "/a"
    assert cmk.folders.move(ident["/a/b"], ident["/a"]).path == "/a/b"
    assert cmk.folders.move("/a/b", ident["/a"]).path == "/a/b"
    assert sum(request.method != "GET" for request in site.requests) == writes
    assert [host.name for host in cmk.hosts.each(folder=ident["/a"], search="h*")] == ["h"]
