"""Bulk calls accept any iterable, send chunks sorted by folder, and return one correct outcome per host."""

from __future__ import annotations

import itertools
from typing import Any, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkmk_sync import Checkmk, Outcomes, Status
from checkmk_sync.client.records import Host
from checkmk_sync.errors import AuthError, BadRequestError, BatchError, ForbiddenError
from checkmk_sync.testing import Fault, ManualClock, SimulatedSite


def _entries(count: int, folders: int = 1) -> list[dict[str, Any]]:
    return [
        {"host_name": f"h{n:04d}", "folder": f"/f{n % folders}" if folders > 1 else "/", "attributes": {"alias": "x"}}
        for n in range(count)
    ]


def _sent(site: SimulatedSite, verb: str) -> list[Any]:
    return [request.body["entries"] for request in site.requests if verb in request.path]


def _statuses(outcomes: Outcomes) -> dict[str, Status]:
    assert len({outcome.key for outcome in outcomes}) == len(outcomes)
    return {outcome.key: outcome.status for outcome in outcomes}


def test_a_list_is_sorted_completely_and_sent_in_chunks(site: SimulatedSite, cmk: Checkmk) -> None:
    for number in range(3):
        cmk.folders.create(f"/f{number}")
    outcomes = cmk.hosts.bulk_create(_entries(450, folders=3))
    sent = _sent(site, "bulk-create")
    assert [len(chunk) for chunk in sent] == [200, 200, 50]
    folders = [entry["folder"] for chunk in sent for entry in chunk]
    assert folders == sorted(folders)
    assert outcomes.ok
    assert len(outcomes.applied) == 450
    outcomes.raise_for_failures()


def test_a_generator_is_read_chunk_by_chunk(site: SimulatedSite, cmk: Checkmk) -> None:
    taken = 0
    ahead: list[int] = []

    def endless() -> Iterator[dict[str, Any]]:
        nonlocal taken
        for entry in itertools.islice(_entries(1000), 25):
            taken += 1
            yield entry

    cmk.hosts.bulk_create(endless(), chunk_size=10, progress=lambda _: ahead.append(taken))
    assert ahead[0] == 10
    assert [len(chunk) for chunk in _sent(site, "bulk-create")] == [10, 10, 5]


def test_no_items_send_nothing(site: SimulatedSite, cmk: Checkmk) -> None:
    assert len(cmk.hosts.bulk_create([])) == 0
    assert cmk.hosts.bulk_delete(iter(())).ok
    assert cmk.hosts.bulk_move([], "/").ok
    assert cmk.host_groups.bulk_create([]).ok
    assert cmk.host_status.monitored([]) == set()
    with pytest.raises(ValueError, match="a parent scan must contain at least one host"):
        cmk.hosts.scan_parents([])
    assert {request.path.rpartition("/")[2] for request in site.requests} <= {"version"}


def test_refused_entries_do_not_block_the_others(site: SimulatedSite, cmk: Checkmk) -> None:
    cmk.hosts.create("h0003")
    entries = _entries(10)
    entries[5]["folder"] = "/nowhere"
    entries[7]["attributes"] = {"nothing": 1}
    entries[8]["host_name"] = "not a name"
    outcomes = cmk.hosts.bulk_create(entries)
    bad = {outcome.key: str(outcome.error) for outcome in outcomes.not_applied}
    assert set(bad) == {"h0003", "h0005", "h0007", "not a name"}
    assert "is not a host name" in bad["not a name"]
    assert "already exists" in bad["h0003"]
    assert "could not be found" in bad["h0005"]
    assert "Unknown field" in bad["h0007"]
    assert len(outcomes.applied) == 6
    assert len(_sent(site, "bulk-create")) == 2, "refused once, sent again without the bad entries"
    with pytest.raises(BatchError, match="4 of 10 items were not applied"):
        outcomes.raise_for_failures()


def test_hosts_that_fail_during_execution_are_not_applied(site: SimulatedSite, cmk: Checkmk) -> None:
    """Checkmk commits the other hosts and answers 400."""
    site.set_faults([Fault("fail_host", hosts="h000[24]")])
    outcomes = cmk.hosts.bulk_create(_entries(6))
    assert {outcome.key for outcome in outcomes.not_applied} == {"h0002", "h0004"}
    assert isinstance(outcomes.not_applied[0].error, BadRequestError)
    assert "refused by a hook" in outcomes.not_applied[0].reason
    assert set(site.state.configuration.hosts) == {"h0000", "h0001", "h0003", "h0005"}


def test_a_host_given_twice_is_sent_once(site: SimulatedSite, cmk: Checkmk) -> None:
    outcomes = cmk.hosts.bulk_create([*_entries(3), *_entries(2)], chunk_size=3)
    assert [outcome.key for outcome in outcomes.not_applied] == ["h0000", "h0001"]
    assert "occurs twice" in outcomes.not_applied[0].reason


def test_removing_an_absent_attribute_counts_as_applied(site: SimulatedSite, cmk: Checkmk) -> None:
    cmk.hosts.bulk_create(_entries(3))
    cmk.hosts.update("h0001", remove_attributes=["alias"])
    outcomes = cmk.hosts.bulk_update([{"host_name": f"h000{n}", "remove_attributes": ["alias"]} for n in range(3)])
    assert outcomes.ok
    assert [o.note for o in outcomes if o.key == "h0001"] == ["was already in this state"]


def test_updates_and_deletions_of_unknown_hosts_are_not_applied(site: SimulatedSite, cmk: Checkmk) -> None:
    cmk.hosts.bulk_create(_entries(3))
    changed = cmk.hosts.bulk_update(
        [{"host_name": name, "update_attributes": {"alias": "y"}} for name in ("h0000", "gone", "h0002")]
    )
    assert _statuses(changed) == {
        "h0000": Status.APPLIED, "h0002": Status.APPLIED, "gone": Status.NOT_APPLIED
    }  # fmt: skip
    deleted = cmk.hosts.bulk_delete(["h0000", "gone", Host("h0002", "/", {})])
    assert [outcome.key for outcome in deleted.not_applied] == ["gone"]
    assert set(site.state.configuration.hosts) == {"h0001"}


@pytest.mark.parametrize("verb", ["create", "update", "delete"])
@pytest.mark.parametrize("version", ["2.3.0p41", "2.4.0p18"])
def test_a_lost_answer_is_settled_for_each_host(clock: ManualClock, version: str, verb: str) -> None:
    with SimulatedSite(version, clock=clock) as site, site.client(clock=clock) as cmk:
        if verb != "create":
            cmk.hosts.bulk_create(_entries(150))
        site.set_faults([Fault("reset_after", path=f"bulk-{verb}", times=1)])
        outcomes = _do(cmk, verb, 150)
        assert len(outcomes.applied) == 150
        assert all("found by reading" in outcome.note for outcome in outcomes)
        assert len(_sent(site, f"bulk-{verb}")) == 1


@pytest.mark.parametrize("verb", ["create", "update", "delete"])
def test_a_lost_write_that_is_not_found_is_unknown(site: SimulatedSite, cmk: Checkmk, verb: str) -> None:
    if verb != "create":
        cmk.hosts.bulk_create(_entries(20))
    site.set_faults([Fault("reset_before", path=f"bulk-{verb}", times=1)])
    outcomes = _do(cmk, verb, 20)
    assert len(outcomes.unknown) == 20
    assert outcomes.unknown[0].error.sent is None  # type: ignore[union-attr]


def test_a_crash_means_not_applied_unless_the_host_is_found(site: SimulatedSite, cmk: Checkmk) -> None:
    site.set_faults([Fault("crash", path="bulk-create", times=1)])
    assert len(cmk.hosts.bulk_create(_entries(5)).not_applied) == 5


def _do(cmk: Checkmk, verb: str, count: int, entries: Any = None) -> Outcomes:
    entries = entries or _entries(count)
    if verb == "create":
        return cmk.hosts.bulk_create(entries)
    places = [{name: entry[name] for name in ("host_name", "folder")} for entry in entries]
    if verb == "delete":
        return cmk.hosts.bulk_delete([Host(place["host_name"], place["folder"], {}) for place in places])
    return cmk.hosts.bulk_update([{**place, "update_attributes": {"alias": "new"}} for place in places])


def test_wrong_credentials_stop_the_batch(site: SimulatedSite, connect: Any) -> None:
    site.add_user("robot", "old secret", lock_after=2)
    cmk = connect(site, username="robot")
    site.state.configuration.users["robot"].password = "new secret"
    with pytest.raises(BatchError, match="Wrong credentials") as caught:
        cmk.hosts.bulk_create(_entries(1000), chunk_size=10)
    assert isinstance(caught.value.__cause__, AuthError)
    assert len(caught.value.outcomes) == 10
    assert sum(request.status == 401 for request in site.requests) == 1
    assert not site.state.configuration.users["robot"].is_locked


def test_a_missing_permission_is_an_outcome(site: SimulatedSite, connect: Any) -> None:
    site.add_user("reader", "read only", "guest")
    outcomes = connect(site, username="reader").hosts.bulk_create(_entries(3))
    assert len(outcomes.not_applied) == 3
    assert all(isinstance(outcome.error, ForbiddenError) for outcome in outcomes)


@pytest.mark.parametrize("verb", ["create", "update", "delete"])
def test_a_missing_permission_affects_only_hosts_of_its_folder(
    site: SimulatedSite, connect: Any, cmk: Checkmk, verb: str
) -> None:
    """Checkmk applies the entries before the forbidden folder, and then refuses the call."""
    for number in range(4):
        cmk.folders.create(f"/f{number}")
    entries = _entries(8, folders=4)
    if verb != "create":
        cmk.hosts.bulk_create(entries)
    site.add_user("limited", "secret", folders=["/f0", "/f2", "/f3"])
    limited, asked = connect(site, username="limited"), len(_sent(site, f"bulk-{verb}"))
    outcomes = _do(limited, verb, 8, entries)
    allowed = {entry["host_name"] for entry in entries if entry["folder"] != "/f1"}
    assert {outcome.key for outcome in outcomes.applied} == allowed
    assert {outcome.key for outcome in outcomes.not_applied} == {"h0001", "h0005"}
    assert all(isinstance(outcome.error, ForbiddenError) for outcome in outcomes.not_applied)
    assert len(_sent(site, f"bulk-{verb}")) - asked <= 5, "all entries, those after /f0, and then /f1, /f2 and /f3"
    assert len(_statuses(outcomes)) == 8


def test_hosts_applied_before_a_refusal_are_not_reported_as_not_applied(
    site: SimulatedSite, connect: Any, cmk: Checkmk
) -> None:
    """The outcome is unknown if the site cannot be read."""
    for folder in ("/f0", "/f1"):
        cmk.folders.create(folder)
    site.add_user("limited", "secret", folders=["/f0"])
    site.set_faults([Fault("status", method="GET")])
    outcomes = connect(site, username="limited").hosts.bulk_create(_entries(4, folders=2))
    assert set(_statuses(outcomes).values()) == {Status.UNKNOWN}
    assert set(site.state.configuration.hosts) == {"h0000", "h0002"}


def test_an_unreachable_site_applies_nothing(site: SimulatedSite, cmk: Checkmk) -> None:
    cmk.version()
    site.close()
    outcomes = cmk.hosts.bulk_create(_entries(300), chunk_size=50)
    assert len(outcomes.not_applied) == 300


@pytest.mark.parametrize(
    "entry",
    [{"name": "x"}, {"host_name": "x", "folders": "/"}, {"host_name": 7}, "x", {"host_name": "x", "folder": ""}],
)
def test_malformed_entries_are_refused_before_anything_is_sent(site: SimulatedSite, cmk: Checkmk, entry: Any) -> None:
    with pytest.raises(ValueError, match="entry must be a mapping|unknown key|not a folder"):
        cmk.hosts.bulk_create([entry])
    assert len(site.requests) == 0


def test_an_update_needs_exactly_one_kind_of_change(cmk: Checkmk) -> None:
    with pytest.raises(ValueError, match="must contain one of"):
        cmk.hosts.bulk_update([{"host_name": "x"}])
    with pytest.raises(ValueError, match="only one of"):
        cmk.hosts.bulk_update([{"host_name": "x", "attributes": {}, "update_attributes": {}}])


KINDS = st.sampled_from(["good", "good", "good", "exists", "folder", "attribute", "name", "hook"])
FAULTS = st.sampled_from(
    ["reset_before", "reset_after", "status", "cut", "crash", "crash_after", "html", "redirect", None]
)


def test_no_outcome_contradicts_the_site() -> None:
    """With any combination of faults, each entry has one correct outcome."""
    clock = ManualClock()
    with SimulatedSite(clock=clock) as site, site.client(clock=clock) as cmk:

        @given(st.lists(KINDS, max_size=25), st.lists(FAULTS, max_size=6), st.integers(1, 9))
        def check(kinds: list[str], faults: list[Any], chunk_size: int) -> None:
            site.set_faults([])
            site.reset()
            clock.advance(100)
            entries = [_entry(cmk, number, kind) for number, kind in enumerate(kinds)]
            script = [Fault("fail_host", hosts="hook.*")]
            for number, fault in enumerate(faults):
                if fault is not None:
                    script.append(Fault(fault, status=504, path="bulk-create", skip=number, times=1))
            site.set_faults(script)
            _compare(cmk.hosts.bulk_create(entries, chunk_size=chunk_size), entries, site)

        check()


def _entry(cmk: Checkmk, number: int, kind: str) -> dict[str, Any]:
    name = f"{kind}{number}"
    if kind == "exists":
        cmk.hosts.create(name, "/", {"alias": "other"})
    return {
        "host_name": name + (" !" if kind == "name" else ""),
        "folder": "/nowhere" if kind == "folder" else "/",
        "attributes": {"bad": 1} if kind == "attribute" else {"alias": f"a{number}"},
    }


def _compare(outcomes: Outcomes, entries: list[dict[str, Any]], site: SimulatedSite) -> None:
    assert sorted(outcome.key for outcome in outcomes) == sorted(entry["host_name"] for entry in entries)
    held = site.state.configuration.hosts
    wanted = {entry["host_name"]: entry["attributes"] for entry in entries}
    for outcome in outcomes:
        there = outcome.key in held and dict(held[outcome.key].attributes) == wanted[outcome.key]
        if outcome.status is not Status.UNKNOWN:
            assert there is (outcome.status is Status.APPLIED), outcome
