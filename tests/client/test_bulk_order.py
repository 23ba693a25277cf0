"""Bulk calls create parents before their children, and delete them after their children."""

from __future__ import annotations

import random
from typing import Any, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkmk_sync import Checkmk
from checkmk_sync.client.records import Host
from checkmk_sync.core.grouping import waves
from checkmk_sync.errors import BadRequestError, ServerError
from checkmk_sync.testing import Fault, ManualClock, SimulatedSite

VERSIONS = ["2.2.0p44", "2.3.0p41", "2.4.0p18", "2.5.0p9"]


def _entry(name: str, *parents: str, folder: str = "/") -> dict[str, Any]:
    return {"host_name": name, "folder": folder, "attributes": {"parents": list(parents)} if parents else {}}


def _chains(count: int, depth: int, folders: int = 1) -> list[dict[str, Any]]:
    """Return entries with children first. h0-0 is a parent of h0-1, and h0-1 of h0-2, in different folders."""
    return [
        _entry(
            f"h{chain}-{level}", *([f"h{chain}-{level - 1}"] if level else ()), folder=f"/f{(chain + level) % folders}"
        )
        for chain in range(count)
        for level in reversed(range(depth))
    ]


def _calls(site: SimulatedSite, verb: str) -> list[Any]:
    return [request for request in site.requests if f"bulk-{verb}" in request.path]


@pytest.fixture(params=VERSIONS)
def folders(request: pytest.FixtureRequest, clock: ManualClock) -> Iterator[tuple[SimulatedSite, Checkmk]]:
    with SimulatedSite(request.param, clock=clock) as site, site.client(clock=clock) as cmk:
        for number in range(5):
            cmk.folders.create(f"/f{number}")
        yield site, cmk


def test_parents_and_children_may_be_in_any_order(folders: tuple[SimulatedSite, Checkmk]) -> None:
    site, cmk = folders
    entries = _chains(30, 4, folders=5)
    random.Random(5).shuffle(entries)
    assert cmk.hosts.bulk_create(entries).ok
    assert [call.status for call in _calls(site, "create")] == [200] * 4, "one call per level, all of them accepted"
    assert site.state.configuration.hosts["h7-3"].attributes["parents"] == ["h7-2"]
    names = [entry["host_name"] for entry in entries]
    random.Random(6).shuffle(names)
    assert cmk.hosts.bulk_delete(names).ok
    assert [call.status for call in _calls(site, "delete")] == [204] * 4
    assert not site.state.configuration.hosts


def test_children_are_deleted_before_their_parents(folders: tuple[SimulatedSite, Checkmk]) -> None:
    site, cmk = folders
    cmk.hosts.bulk_create(_chains(3, 3, folders=5))
    hosts = sorted(cmk.hosts.each(), key=lambda host: host.name)
    assert cmk.hosts.bulk_delete(hosts).ok
    assert not site.state.configuration.hosts


def test_a_chunk_contains_hosts_of_one_level_only(site: SimulatedSite, cmk: Checkmk) -> None:
    cmk.folders.create("/f0")
    assert cmk.hosts.bulk_create(_chains(25, 2), chunk_size=10).ok
    assert [len(call.body["entries"]) for call in _calls(site, "create")] == [10, 10, 5, 10, 10, 5]
    assert cmk.hosts.bulk_delete(list(site.state.configuration.hosts), chunk_size=10).ok
    assert [len(call.body["entries"]) for call in _calls(site, "delete")] == [10, 10, 5, 10, 10, 5]


def test_an_iterator_is_sorted_within_each_chunk(site: SimulatedSite, cmk: Checkmk) -> None:
    """A child is refused if its parent is in a later chunk."""
    entries = [_entry("a", "b"), _entry("b"), _entry("c", "d"), _entry("d")]
    assert cmk.hosts.bulk_create(iter(entries), chunk_size=2).ok
    late = cmk.hosts.bulk_create(iter([_entry("e", "z"), _entry("f", "a"), _entry("z")]), chunk_size=2)
    assert {outcome.key: outcome.status.value for outcome in late} == {
        "e": "not applied",
        "f": "applied",
        "z": "applied",
    }
    assert "Host not found: 'z'" in late.not_applied[0].reason
    assert cmk.hosts.bulk_delete(iter(["b", "a", "d", "c"]), chunk_size=3).not_applied[0].key in ("b", "a")


def test_existing_parents_need_no_order(site: SimulatedSite, cmk: Checkmk) -> None:
    cmk.hosts.create("gw")
    assert cmk.hosts.bulk_create([_entry(f"h{n}", "gw") for n in range(5)]).ok
    assert len(_calls(site, "create")) == 1
    assert cmk.hosts.bulk_delete(["h0", "h1"]).ok
    assert len(_calls(site, "delete")) == 1


def test_a_host_with_impossible_parents_is_not_applied(site: SimulatedSite, cmk: Checkmk) -> None:
    """The parents are part of a cycle, the host itself, or missing."""
    entries = [_entry("a", "b"), _entry("b", "a"), _entry("c", "c"), _entry("d", "nope"), _entry("e"), _entry("f", "a")]
    outcomes = cmk.hosts.bulk_create(entries)
    assert {outcome.key for outcome in outcomes.applied} == {"e"}
    assert {outcome.key for outcome in outcomes.not_applied} == {"a", "b", "c", "d", "f"}
    assert all(isinstance(outcome.error, BadRequestError) for outcome in outcomes.not_applied)
    assert len(outcomes) == 6


def test_deleting_the_parent_of_a_remaining_host_does_not_block_the_others(site: SimulatedSite, cmk: Checkmk) -> None:
    cmk.hosts.bulk_create([_entry("gw"), _entry("web", "gw"), *(_entry(f"h{n}") for n in range(6))])
    outcomes = cmk.hosts.bulk_delete(["gw", *(f"h{n}" for n in range(6))])
    (refused,) = outcomes.not_applied
    assert refused.key == "gw"
    assert "gw is parent of web" in refused.reason
    assert set(site.state.configuration.hosts) == {"gw", "web"}


@pytest.mark.parametrize("parents", ["gw", None, 5, [5, None], {"gw": 1}])
def test_malformed_parents_are_refused_by_the_site(cmk: Checkmk, parents: Any) -> None:
    entry = {"host_name": "a", "folder": "/", "attributes": {"parents": parents}}
    (outcome,) = cmk.hosts.bulk_create([entry])
    assert isinstance(outcome.error, BadRequestError)


def test_hosts_that_cannot_be_read_are_not_deleted(site: SimulatedSite, cmk: Checkmk) -> None:
    cmk.hosts.bulk_create([_entry("a"), _entry("b")])
    site.set_faults([Fault("crash", method="GET")])
    outcomes = cmk.hosts.bulk_delete(["a", "b"])
    assert [outcome.status.value for outcome in outcomes] == ["not applied"] * 2
    assert all(isinstance(outcome.error, ServerError) for outcome in outcomes)
    assert set(site.state.configuration.hosts) == {"a", "b"}


def test_a_lost_answer_of_one_level_is_settled_before_the_next(site: SimulatedSite, cmk: Checkmk) -> None:
    cmk.folders.create("/f0")
    site.set_faults([Fault("reset_after", path="bulk-create", times=2)])
    assert cmk.hosts.bulk_create(_chains(4, 3)).ok
    site.set_faults([Fault("reset_after", path="bulk-delete", times=2)])
    assert cmk.hosts.bulk_delete(
        [Host(name, "/f0", dict(h.attributes)) for name, h in site.state.configuration.hosts.items()]
    ).ok


KEYS = st.sampled_from("abcdefgh")


@given(st.dictionaries(KEYS, st.sets(KEYS)))
def test_waves_put_prerequisites_first_except_in_cycles(needs: dict[str, set[str]]) -> None:
    found = waves(needs)
    assert set(found) == set(needs)
    last = max(found.values(), default=0)
    for key, wanted in needs.items():
        for need in (wanted & set(needs)) - {key}:
            assert found[need] < found[key] or found[need] == found[key] == last


def test_waves_of_a_long_chain_do_not_recurse() -> None:
    assert waves({str(n): [str(n + 1)] for n in range(20_000)})["0"] == 19_999


def test_records_without_parents_are_deleted_too(site: SimulatedSite, cmk: Checkmk, connect: Any) -> None:
    cmk.hosts.bulk_create([_entry("gw"), _entry("web", "gw")])
    assert cmk.hosts.bulk_delete([Host("gw", "/", {}), Host("web", "/", {})]).ok
