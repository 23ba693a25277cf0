"""The simulated core monitors the activated configuration, and evaluates queries like Livestatus."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkmk_sync import Checkmk
from checkmk_sync.testing import ManualClock, SimulatedSite
from checkmk_sync.testing.livestatus import BadQuery, compile_query

COLUMNS = frozenset({"name", "state", "groups", "labels", "num"})
ROW = {"name": "Web01", "state": 2, "groups": ["linux", "Web"], "labels": {"env": "prod"}, "num": 1.5}


def _holds(op: str, left: str, right: str) -> bool:
    test = compile_query({"op": op, "left": left, "right": right}, "hosts", COLUMNS)
    assert test is not None
    return test(ROW)


@pytest.mark.parametrize(
    ("op", "left", "right", "expected"),
    [
        ("=", "name", "Web01", True),
        ("=", "name", "web01", False),
        ("~", "name", "^We", True),
        ("~", "name", "^we", False),
        ("~~", "name", "^we", True),
        ("!~", "name", "x", True),
        ("!~~", "name", "WEB", False),
        ("<", "state", "3", True),
        (">", "state", "2", False),
        ("<=", "state", "2", True),
        (">=", "state", "3", False),
        ("!=", "state", "2", False),
        ("!<", "state", "3", False),
        ("!>=", "state", "3", True),
        ("=", "num", "1.5", True),
        (">=", "groups", "linux", True),
        (">=", "groups", "web", False),
        ("<=", "groups", "web", True),
        ("<", "groups", "windows", True),
        (">", "groups", "LINUX", False),
        ("=", "groups", "", False),
        ("!=", "groups", "", True),
        ("~", "groups", "^lin", True),
        ("=", "labels", "'env' 'prod'", True),
        ("=", "labels", "'env' 'test'", False),
        ("=", "hosts.name", "Web01", True),
    ],
)
def test_operators_compare_as_in_livestatus(op: str, left: str, right: str, expected: bool) -> None:
    assert _holds(op, left, right) is expected
    assert _holds(op[1:] if op.startswith("!") else f"!{op}", left, right) is not expected


@pytest.mark.parametrize(
    "query",
    [
        {"op": "=~", "left": "name", "right": "x"},
        {"op": "=", "left": "name", "right": 2},
        {"op": "=", "left": "nothing", "right": "x"},
        {"op": "=", "left": "services.name", "right": "x"},
        {"op": "=", "left": "Name", "right": "x"},
        {"op": "and", "expr": []},
        {"op": "~", "left": "name", "right": "("},
        {"op": "=", "left": "name", "right": "x", "expr": []},
        {"op": []},
        {"op": {}},
        {"op": None},
        {"op": 5},
        {"op": "=", "left": 5, "right": "x"},
        {"op": "=", "left": ["name"], "right": "x"},
        {"op": "=", "left": "name", "right": None},
        {"op": "and", "expr": 5},
        {"op": "or", "expr": {"op": "=", "left": "name", "right": "x"}},
        {"op": "and", "expr": ["x"]},
        {"op": "not", "expr": []},
        "not json",
        "[" * 100_000,
        [1],
        5,
    ],
)
def test_invalid_queries_are_refused(query: Any) -> None:
    with pytest.raises(BadQuery):
        compile_query(query, "hosts", COLUMNS)


@pytest.mark.parametrize(
    ("query", "errors"),
    [
        ({"op": "is", "left": "name", "right": "x"}, ["Unknown operator: is"]),
        ({"op": []}, ["Unknown operator: []"]),
        ({"op": "not", "expr": {"op": "=", "left": "x", "right": "x"}}, ["Table 'hosts' has no column 'x'."]),
        (
            {"op": "=", "left": "services.name", "right": "x"},
            ["This field can only query table 'hosts'. (services.name)"],
        ),
        ({"op": "or", "expr": []}, ["Need at least one parameter."]),
        ({"op": "=", "left": "name", "right": 2}, {"right": ["Not a valid string."]}),
        (
            {"op": "and", "expr": [{"op": "=", "left": "name", "right": "x", "y": 1}]},
            {"expr": {"0": {"y": ["Unknown field."]}}},
        ),
    ],
)
def test_errors_have_the_shape_of_the_query(query: Any, errors: Any) -> None:
    with pytest.raises(BadQuery) as raised:
        compile_query(query, "hosts", COLUMNS)
    assert raised.value.errors == errors


@pytest.mark.parametrize(
    ("query", "member"),
    [
        ({"left": "name", "right": "x"}, "op"),
        ({"op": "=", "right": "x"}, "left"),
        ({"op": "=", "left": "name"}, "right"),
        ({"op": "and"}, "expr"),
        ({"op": "not"}, "expr"),
        ({"op": "and", "expr": [{}]}, "op"),
    ],
)
def test_an_incomplete_query_crashes_as_in_checkmk(query: Any, member: str) -> None:
    with pytest.raises(KeyError, match=member):
        compile_query(query, "hosts", COLUMNS)


def test_empty_queries_match_everything() -> None:
    for empty in (None, {}, "{}", [], "[]", "null", 0, False):
        assert compile_query(empty, "hosts", COLUMNS) is None


LEAF = st.builds(
    lambda op, right: {"op": op, "left": "state", "right": str(right)},
    st.sampled_from(["=", "!=", "<", ">", "<=", ">="]),
    st.integers(0, 3),
)


@given(st.recursive(LEAF, lambda inner: st.lists(inner, min_size=1, max_size=3), max_leaves=6), st.integers(0, 3))
def test_negation_follows_de_morgan(tree: Any, state: int) -> None:
    def joined(node: Any, op: str) -> Any:
        if isinstance(node, dict):
            return node
        return {"op": op, "expr": [joined(part, "or" if op == "and" else "and") for part in node]}

    def negated(node: Any) -> Any:
        if "expr" in node:
            return {"op": "or" if node["op"] == "and" else "and", "expr": [negated(part) for part in node["expr"]]}
        return {**node, "op": node["op"][1:] if node["op"].startswith("!") else f"!{node['op']}"}

    query = joined(tree, "and")
    row = {"state": state}
    plain, inverse, moved = (
        compile_query(found, "hosts", COLUMNS) for found in (query, {"op": "not", "expr": query}, negated(query))
    )
    assert plain is not None
    assert inverse is not None
    assert moved is not None
    assert plain(row) is not inverse(row)
    assert inverse(row) is moved(row)


def test_the_core_monitors_the_activated_configuration(site: SimulatedSite, cmk: Checkmk) -> None:
    cmk.hosts.create("web01", "/", {"alias": "first"})
    cmk.activation.activate()
    cmk.hosts.update("web01", update_attributes={"alias": "second"})
    cmk.hosts.create("web02")
    assert [host["alias"] for host in cmk.host_status.each(columns=["alias"])] == ["first"]
    cmk.hosts.delete("web01")
    cmk.activation.activate()
    assert [host.name for host in cmk.host_status.each()] == ["web02"]


def test_attributes_of_folders_reach_the_core(site: SimulatedSite, cmk: Checkmk) -> None:
    cmk.folders.create("/a")
    cmk.hosts.create("web01", "/a")
    cmk.activation.activate()
    cmk.folders.update("/a", update_attributes={"labels": {"from": "folder"}})
    cmk.activation.activate()
    (host,) = cmk.host_status.each(columns=["labels"])
    assert host["labels"] == {"from": "folder"}


def test_the_children_of_hosts_follow_from_their_parents(site: SimulatedSite, cmk: Checkmk) -> None:
    def children() -> dict[str, Any]:
        return {row.name: row.columns["childs"] for row in cmk.host_status.each(columns=["childs"])}

    cmk.hosts.create("gw")
    for name in ("a", "b"):
        cmk.hosts.create(name, "/", {"parents": ["gw"]})
    cmk.activation.activate()
    assert children() == {"gw": ["a", "b"], "a": [], "b": []}
    site.seed_monitoring({"hosts": [{"name": "gw"}, {"name": "a", "parents": ["gw"]}]})
    assert children() == {"gw": ["a"], "a": []}


def test_undiscovered_hosts_have_the_services_that_checkmk_adds(site: SimulatedSite, cmk: Checkmk) -> None:
    cmk.hosts.create("agent")
    cmk.hosts.create("ping", "/", {"tag_agent": "no-agent"})
    cmk.activation.activate()
    assert {s.name for s in cmk.services.each(host="agent")} == {"Check_MK", "Check_MK Discovery"}
    assert {s.name for s in cmk.services.each(host="ping")} == {"PING"}


def test_services_can_be_listed_for_one_host() -> None:
    with SimulatedSite(hosts=2, services=30) as site, site.client() as cmk:
        assert len(list(cmk.services.each(host="host00000"))) == 30
        assert cmk.host_status.get("host00000", ["num_services"])["num_services"] == 30


def test_seeded_rows_replace_the_monitored_hosts(site: SimulatedSite, cmk: Checkmk) -> None:
    cmk.hosts.create("configured")
    cmk.activation.activate()
    site.seed_monitoring(
        {
            "hosts": [{"name": "seeded", "address": "10.0.0.1"}],
            "services": [{"host_name": "seeded", "description": "CPU", "state": 1, "host_alias": "Seed"}],
        }
    )
    assert [host["address"] for host in cmk.host_status.each(columns=["address"])] == ["10.0.0.1"]
    (service,) = cmk.services.each(columns=["host_alias", "host_address"])
    assert (service["host_alias"], service["host_address"]) == ("Seed", "10.0.0.1")
    site.reset()
    assert list(cmk.host_status.each()) == []


def test_states_are_the_same_on_every_run() -> None:
    def states() -> list[Any]:
        with SimulatedSite(hosts=20, clock=ManualClock()) as site, site.client() as cmk:
            return [(s.host_name, s.name, s.state) for s in cmk.services.each()]

    first = states()
    assert first == states()
    assert len({state for _, _, state in first}) > 1
