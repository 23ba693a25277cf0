"""Clusters in inventories: hosts that consist of other hosts, their nodes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from checkmk_sync import Checkmk
from checkmk_sync.errors import InventoryError
from checkmk_sync.sync import from_data, load, make_plan, to_data
from checkmk_sync.sync.desired import REMOVE
from checkmk_sync.sync.kinds import NODES
from tests.sync.test_apply import any_version, is_done, synchronise

__all__ = ["any_version"]  # a fixture


def _hosts(*names: str, **nodes: list[str]) -> dict[str, Any]:
    clusters = [{"name": name, "nodes": list(of)} for name, of in nodes.items()]
    return {"hosts": [*clusters, *({"name": name} for name in names)]}


def test_clusters_are_created_changed_and_deleted_in_the_order_of_their_nodes(any_version: Any) -> None:
    site, cmk = any_version
    hosts = site.state.configuration.hosts
    wanted = _hosts("db01", "db02", "db03", db=["db01", "db02"])
    wanted["hosts"].append({"name": "app", "attributes": {"parents": ["db"]}})
    assert synchronise(cmk, wanted).verified
    assert list(hosts["db"].nodes) == ["db01", "db02"]
    assert is_done(cmk, wanted)
    wanted["hosts"][0].update(nodes=["db01", "db03"], labels={"env": "prod"}, folder="/dbs")
    assert synchronise(cmk, wanted).verified
    assert list(hosts["db"].nodes) == ["db01", "db03"]
    assert hosts["db"].attributes["labels"]["env"] == "prod"
    assert is_done(cmk, wanted)
    assert synchronise(cmk, _hosts("db02")).verified
    assert list(hosts) == ["db02"]


def test_a_run_that_ended_before_the_cluster_is_continued(any_version: Any) -> None:
    site, cmk = any_version
    wanted = _hosts("db01", "db02", db=["db01", "db02"])
    synchronise(cmk, _hosts("db01"))
    assert synchronise(cmk, wanted).verified
    assert is_done(cmk, wanted)
    assert from_data(to_data(from_data(wanted))) == from_data(wanted)
    renamed = _hosts("db01", db=["db01", "db2"])
    renamed["hosts"].append({"name": "db2", "previous_name": "db02"})
    plan = make_plan(cmk, from_data(renamed), owner="cmdb")
    assert [change.action.value for change in plan.changes] == ["rename"]
    assert synchronise(cmk, renamed).verified
    assert list(site.state.configuration.hosts["db"].nodes) == ["db01", "db2"]


@pytest.mark.parametrize(
    ("inventory", "message"),
    [
        (_hosts("a", db=["a", "b"]), "nodes names 'b', but that host is neither"),
        (_hosts("a", db=["a"], top=["db"]), "nodes names 'db', which is a cluster itself"),
        (_hosts(db=["db"]), "which is the host itself"),
        (_hosts(db=[]), "nodes must be a list of one or more"),
        (_hosts("a", db=["a", "a"]), "nodes must be a list of one or more"),
        ({"hosts": [{"name": "db", "nodes": "a"}]}, "nodes must be a list of one or more"),
    ],
)
def test_mistakes_in_nodes_are_reported_before_anything_is_sent(cmk: Checkmk, inventory: Any, message: str) -> None:
    with pytest.raises(InventoryError, match=message):
        make_plan(cmk, from_data(inventory))


def test_a_host_cannot_become_a_cluster_nor_a_cluster_a_host(cmk: Checkmk) -> None:
    synchronise(cmk, _hosts("a", "b", db=["a"]))
    (conflict,) = make_plan(cmk, from_data(_hosts("a", b=["a"], db=["a"])), owner="cmdb").conflicts
    assert "host b is a host, and Checkmk cannot change it to a cluster" in conflict.text
    to_host = {"hosts": [{"name": "db", "nodes": None}, {"name": "a"}, {"name": "b"}]}
    (conflict,) = make_plan(cmk, from_data(to_host), owner="cmdb").conflicts
    assert "is a cluster, and Checkmk cannot change it to a host" in conflict.text
    kept = make_plan(cmk, from_data(_hosts("a", "b", "db")), owner="cmdb")
    assert kept.is_empty, "an entry without nodes leaves them as they are"


def test_a_node_of_a_remaining_cluster_is_not_deleted(cmk: Checkmk) -> None:
    synchronise(cmk, _hosts("a", "b", db=["a", "b"]))
    (conflict,) = make_plan(cmk, from_data(_hosts("a", "db")), owner="cmdb").conflicts
    assert "cannot be deleted while it is named in the nodes of host db" in conflict.text


def test_nodes_are_read_from_tables_and_exports(tmp_path: Path) -> None:
    table, mapping = tmp_path / "hosts.csv", tmp_path / "map.yaml"
    table.write_text("name;nodes\na;\nb;-\ndb;a|b\n")
    mapping.write_text('name: "{name}"\nnodes: "{nodes}"\n')
    for desired in (load(table), load(table, mapping=mapping)):
        assert desired.objects["host", "db"].properties == {NODES: ["a", "b"]}
        assert desired.objects["host", "b"].properties == {NODES: REMOVE}
        assert not desired.objects["host", "a"].properties
    table.write_text("name,nodes\ndb,a|a\n")
    with pytest.raises(
        InventoryError, match=r"hosts.csv:2: column 2 \(nodes\): host db: nodes must be a list of one or more"
    ):
        load(table)
    table.write_text("path,nodes\n/a,b\n")
    with pytest.raises(InventoryError, match="folder /a: unknown key 'nodes'"):
        load(table)
