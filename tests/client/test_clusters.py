"""Clusters are created and their nodes are changed, and hosts are moved one after the other."""

from __future__ import annotations

from typing import Iterator

import pytest

from checkmk_sync import Checkmk, Outcome, Status
from checkmk_sync.client.outcomes import is_uncertain
from checkmk_sync.errors import (
    ApiError,
    AuthError,
    BadRequestError,
    BatchError,
    CheckmkError,
    NotFoundError,
    PreconditionError,
)
from checkmk_sync.testing import Fault, ManualClock, SimulatedSite
from tests.client.conftest import sent

VERSIONS = ["2.2.0p44", "2.3.0p41", "2.4.0p18", "2.5.0p9"]
CLUSTERS, NODES, MOVE = "collections/clusters", "properties/nodes", "actions/move/invoke"


@pytest.fixture(params=VERSIONS)
def of_version(request: pytest.FixtureRequest, clock: ManualClock) -> Iterator[tuple[SimulatedSite, Checkmk]]:
    with SimulatedSite(request.param, clock=clock, hosts=3) as site, site.client(clock=clock) as cmk:
        yield site, cmk


@pytest.fixture
def site(clock: ManualClock) -> Iterator[SimulatedSite]:
    with SimulatedSite(clock=clock, hosts=3) as running:
        yield running


A, B, C = "host00000", "host00001", "host00002"


def _nodes(site: SimulatedSite, name: str = "db") -> list[str]:
    return list(site.state.configuration.hosts[name].nodes or ())


def test_a_cluster_has_nodes_that_can_be_changed(of_version: tuple[SimulatedSite, Checkmk]) -> None:
    site, cmk = of_version
    cluster = cmk.hosts.create_cluster("db", [A, B], attributes={"alias": "Database"})
    assert (cluster.is_cluster, cluster.cluster_nodes, cluster.attributes) == (True, (A, B), {"alias": "Database"})
    assert cmk.hosts.set_nodes("db", [B, C]).cluster_nodes == (B, C)
    before = len(sent(site))
    again = cmk.hosts.set_nodes("db", (B, C), etag=cmk.hosts.get("db", fresh=True).etag)
    assert (again.cluster_nodes, len(sent(site)) - before) == ((B, C), 2), "it has these nodes, so nothing is written"
    assert _nodes(site) == [B, C]


@pytest.mark.parametrize("kind", ["reset_after", "cut", "truncate"])
def test_an_applied_change_without_an_answer_is_found(site: SimulatedSite, cmk: Checkmk, kind: str) -> None:
    site.set_faults([Fault(kind, path=CLUSTERS, times=1)])
    assert cmk.hosts.create_cluster("db", [A]).cluster_nodes == (A,)
    site.set_faults([Fault(kind, path=NODES, times=1)])
    assert cmk.hosts.set_nodes("db", [B]).cluster_nodes == (B,)
    assert sum(CLUSTERS in line or NODES in line for line in sent(site)) == 2


def test_a_change_that_did_not_arrive_is_unknown(site: SimulatedSite, cmk: Checkmk) -> None:
    site.set_faults([Fault("reset_before", path=CLUSTERS, times=1)])
    with pytest.raises(CheckmkError) as caught:
        cmk.hosts.create_cluster("db", [A])
    assert is_uncertain(caught.value)
    cmk.hosts.create_cluster("db", [A])
    site.set_faults([Fault("reset_before", path=NODES, times=1)])
    with pytest.raises(CheckmkError) as caught:
        cmk.hosts.set_nodes("db", [B])
    assert is_uncertain(caught.value)
    assert _nodes(site) == [A]


def test_a_host_of_the_same_name_is_not_the_cluster(site: SimulatedSite, cmk: Checkmk) -> None:
    with pytest.raises(BadRequestError, match="already exists") as caught:
        cmk.hosts.create_cluster(A, [B])
    assert not is_uncertain(caught.value)


def test_invalid_nodes_are_refused(site: SimulatedSite, cmk: Checkmk) -> None:
    cmk.hosts.create_cluster("db", [A])
    for invalid in ([], "ab"):
        with pytest.raises((ValueError, TypeError)):
            cmk.hosts.set_nodes("db", invalid)
    with pytest.raises(ValueError, match="'db' is a cluster, so it cannot be a node of 'db2'"):
        cmk.hosts.create_cluster("db2", ["db"])
    refusals: list[tuple[str, list[str], type[ApiError], str]] = [
        ("db", ["nope"], BadRequestError, "Host not found: 'nope'"),
        ("db", ["db"], BadRequestError, "may not be a cluster host"),
        (A, [B], NotFoundError, "is not a cluster host"),
        ("nope", [B], NotFoundError, "Host not found: 'nope'"),
    ]
    for name, nodes, kind, text in refusals:
        with pytest.raises(kind, match=text) as caught:
            cmk.hosts.set_nodes(name, nodes)
        assert not is_uncertain(caught.value)
    with pytest.raises(PreconditionError):
        cmk.hosts.set_nodes("db", [B], etag="old")
    assert _nodes(site) == [A]


def test_hosts_are_moved_and_each_has_an_outcome(site: SimulatedSite, cmk: Checkmk) -> None:
    cmk.folders.create("/a")
    cmk.hosts.move(B, "/a")
    site.set_faults([Fault("reset_before", path=f"{C}/{MOVE}", times=1)])
    seen: list[Outcome] = []
    outcomes = cmk.hosts.bulk_move([A, "nope", B, C, A], "~a", progress=seen.append)
    assert [outcome.key for outcome in outcomes] == [A, "nope", B, C] == [outcome.key for outcome in seen]
    expected = [Status.APPLIED, Status.NOT_APPLIED, Status.APPLIED, Status.UNKNOWN]
    assert [outcome.status for outcome in outcomes] == expected
    assert {host.name for host in cmk.hosts.each(folder="/a")} == {A, B}
    assert cmk.hosts.bulk_move([], "/a").ok
    (refused,) = cmk.hosts.bulk_move([A], "/nope")
    assert (refused.status, "nope" in refused.reason) == (Status.NOT_APPLIED, True)


def test_wrong_credentials_stop_the_moves(site: SimulatedSite, cmk: Checkmk) -> None:
    cmk.folders.create("/a")
    with Checkmk(site.url, site.site, site.username, "wrong") as other:
        with pytest.raises(BatchError, match="cannot be moved") as caught:
            other.hosts.bulk_move([A, B], "/a")
    assert isinstance(caught.value.__cause__, AuthError)
    assert caught.value.outcomes == ()
