"""Every tool that writes, called by the SDK's client, changes the site and is logged."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any, Iterator

import pytest

pytest.importorskip("mcp", reason="needs the extra 'mcp' and Python 3.10")

from mcp import Client
from mcp_types import ElicitResult

from checkmk_sync.commands import COMMANDS
from checkmk_sync.testing import Fault, SimulatedSite
from tests.mcp.in_process_client import error_text, result_data, run_client

SECRET = "s3cr3t-community"


@pytest.fixture
def live() -> Iterator[SimulatedSite]:
    with SimulatedSite(hosts=3, services=10) as site:
        yield site


def _yes(_message: str) -> ElicitResult:
    return ElicitResult(action="accept", content={"approve": True})


def _call(site: SimulatedSite, tool: str, /, *, options: Any = None, **arguments: Any) -> Any:
    async def script(client: Client) -> Any:
        return await client.call_tool(tool, arguments)

    return run_client(site, script, allow_writes=True, allow=(tool,), answer=_yes, **(options or {}))


def _names(site: SimulatedSite, **policy: Any) -> set[str]:
    async def script(client: Client) -> Any:
        return {tool.name for tool in (await client.list_tools()).tools}

    result: set[str] = run_client(site, script, **policy)
    return result


def test_read_only_hides_tools_that_write(live: SimulatedSite) -> None:
    shown = _names(live)
    assert shown == {
        command.tool_name for command in COMMANDS if command.own_tools and (not command.writes or command.local)
    }
    assert "clear_cache" in shown

    async def script(client: Client) -> Any:
        return await client.call_tool("hosts_create", {"name": "new"})

    assert "Unknown tool" in error_text(run_client(live, script))
    assert "new" not in live.state.configuration.hosts


def test_patterns_select_tools(live: SimulatedSite) -> None:
    assert _names(live, allow=("hosts_*",)) == {"hosts_get", "hosts_status", "hosts_problems", "hosts_diagnose"}
    assert "hosts_delete" not in _names(live, allow_writes=True, deny=("*delete", "sync_*"))
    assert _names(live, allow=("hosts_*",), deny=("*status",)) == {"hosts_get", "hosts_problems", "hosts_diagnose"}

    async def rest(client: Client) -> Any:
        resources = (await client.list_resources()).resources
        templates = (await client.list_resource_templates()).resource_templates
        return {result.uri for result in resources}, {result.name for result in templates}

    assert run_client(live, rest, deny=("stream_hosts", "hosts_get", "get_server_metrics")) == (
        {"checkmk://stream/services", "checkmk://cache/stats"},
        {"services_pages", "kind"},
    )


def test_hosts(live: SimulatedSite) -> None:
    hosts = live.state.configuration.hosts
    created = result_data(
        _call(live, "hosts_create", name="new", attribute={"parents": ["host00000"]}, label={"env": "prod"})
    )
    assert (created["attributes"], created["labels"]) == ({"parents": ["host00000"]}, {"env": "prod"})
    assert hosts["new"].attributes["parents"] == ["host00000"]
    result_data(_call(live, "hosts_update", name="new", attribute={"alias": "null"}, remove=["parents"]))
    assert hosts["new"].attributes["alias"] == "null"
    assert "parents" not in hosts["new"].attributes
    result_data(_call(live, "folders_create", path="/a/b", title="B"))
    assert result_data(_call(live, "hosts_move", hosts=["new"], folder="/a/b"))["folder"] == "/a/b"
    assert hosts["new"].folder == "/a/b"
    assert result_data(_call(live, "hosts_delete", names=["new"])) == {"done": True, "result": {"deleted": 1}}
    assert "new" not in hosts
    assert "no such host: nope" in error_text(_call(live, "hosts_delete", names=["nope"]))


def test_the_structure_of_hosts(live: SimulatedSite) -> None:
    hosts = live.state.configuration.hosts
    nodes = ["host00000", "host00001"]
    assert result_data(_call(live, "hosts_create", name="db", node=nodes))["cluster_nodes"] == nodes
    assert result_data(_call(live, "hosts_set_nodes", host="db", nodes=nodes[:1]))["cluster_nodes"] == nodes[:1]
    assert result_data(_call(live, "hosts_scan_parents", hosts=nodes))["scanned"] == 2
    assert "must be activated before a rename" in error_text(
        _call(live, "hosts_rename", host="host00000", new_name="db01")
    )
    result_data(_call(live, "activate_changes"))
    assert result_data(_call(live, "hosts_rename", host="host00000", new_name="db01"))["result"]["name"] == "db01"
    assert list(hosts["db"].nodes or ()) == ["db01"]


def test_folders(live: SimulatedSite) -> None:
    result_data(_call(live, "folders_create", path="/a/b"))
    assert result_data(_call(live, "folders_update", path="/a/b", title="New"))["title"] == "New"
    result_data(_call(live, "folders_update", path="/a/b", attribute={"tag_agent": "no-agent"}))
    assert live.state.configuration.folders["/a/b"].title == "New"
    assert result_data(_call(live, "folders_move", path="/a/b", destination="/"))["path"] == "/b"
    assert set(live.state.configuration.folders) == {"/", "/a", "/b"}
    assert result_data(_call(live, "folders_delete", path="/b"))["result"] == {"deleted": "/b"}
    result_data(_call(live, "hosts_move", hosts=["host00000"], folder="/a"))
    assert "/a is not empty" in error_text(_call(live, "folders_delete", path="/a"))
    result_data(_call(live, "folders_delete", path="/a", recursive=True))
    assert "host00000" not in live.state.configuration.hosts


def test_a_batch_returns_an_outcome_for_each_host(live: SimulatedSite) -> None:
    hosts = [{"host_name": f"b{n}", "folder": "/", "attributes": {"ipaddress": f"192.0.2.{n}"}} for n in range(1, 6)]
    result = result_data(_call(live, "batch_create_hosts", hosts=[*hosts, {"host_name": "host00001"}]))
    assert (result["applied"], result["not_applied"], result["unknown"]) == (5, 1, 0)
    assert result["failures"][0].startswith("host00001: not applied: ")
    assert {f"b{n}" for n in range(1, 6)} <= set(live.state.configuration.hosts)
    assert "item 0 of the list" in error_text(_call(live, "batch_create_hosts", hosts=[{"nam": "x"}]))
    too_many = _call(live, "batch_create_hosts", hosts=hosts, options={"max_batch": 4})
    assert "at most 4 items" in error_text(too_many)


def test_discovery_and_activation(live: SimulatedSite) -> None:
    result_data(_call(live, "hosts_create", name="new"))
    result = result_data(_call(live, "discover_services", hosts=["new"]))
    assert result["result"] == {"hosts": 1, "state": "finished", "new": 8, "vanished": 0, "unchanged": 0}
    assert result_data(_call(live, "activate_changes"))["result"]["activated"] == 2
    assert "new" in live.state.monitoring.hosts
    assert result_data(_call(live, "activate_changes"))["result"]["activated"] == 0
    live.set_faults([Fault("fail_discovery")])
    assert "The service scan failed" in error_text(_call(live, "discover_services", hosts=["new"]))


def test_sync_from_data_and_from_a_file(live: SimulatedSite, tmp_path: Path) -> None:
    wanted = {"hosts": [{"name": "s1", "folder": "/sync"}, {"name": "s2", "folder": "/sync"}]}
    plan = result_data(_call(live, "sync_plan", inventory=wanted, owner="cmdb"))
    report = result_data(_call(live, "sync_apply", inventory=wanted, owner="cmdb"))["result"]
    assert (report["ok"], report["verified"], report["checksum"]) == (True, True, plan["checksum"])
    assert report["counts"] == {"applied": 3, "not applied": 0, "unknown": 0}
    assert {"s1", "s2"} <= set(live.state.monitoring.hosts)
    (tmp_path / "hosts.csv").write_text("name,folder\ns1,/sync\n")
    options = {"sync_folder": str(tmp_path)}
    report = result_data(_call(live, "sync_apply", file="hosts.csv", owner="cmdb", options=options))["result"]
    assert report["counts"]["applied"] == 1
    assert "s2" not in live.state.configuration.hosts
    again = result_data(_call(live, "sync_apply", file="hosts.csv", owner="cmdb", options=options))
    assert again["result"]["counts"] == {"applied": 0, "not applied": 0, "unknown": 0}
    assert again["result"].keys() == report.keys()
    assert (report["nothing_to_do"], again["result"]["nothing_to_do"]) == (False, True)
    assert "give either an inventory or a file" in error_text(_call(live, "sync_apply"))
    foreign = {"hosts": [{"name": "host00001", "folder": "/sync"}]}
    assert "objects of another owner" in error_text(_call(live, "sync_apply", inventory=foreign, owner="cmdb"))


def test_every_write_is_audited_without_secrets(live: SimulatedSite, tmp_path: Path) -> None:
    log = tmp_path / "audit.log"
    attributes = {"snmp_community": {"type": "v1_v2_community", "community": SECRET}, "alias": "ok"}
    entry = {"host_name": "b1", "attributes": attributes}

    async def script(client: Client) -> Any:
        return [
            await client.call_tool("hosts_create", {"name": "new", "attribute": attributes}),
            await client.call_tool("hosts_get", {"name": "new"}),
            await client.call_tool("batch_create_hosts", {"hosts": [entry]}),
            await client.call_tool("sync_plan", {"inventory": {"hosts": [{"name": "x", "attributes": attributes}]}}),
            await client.call_tool("hosts_create", {"name": "new"}),
            await client.call_tool("stream_hosts", {}),
        ]

    results = run_client(live, script, allow_writes=True, audit=log)
    assert live.state.configuration.hosts["new"].attributes["snmp_community"]["community"] == SECRET
    assert results[1].structured_content["attributes"] == {"alias": "ok", "snmp_community": "***"}
    text = log.read_text("utf-8")
    for shown in (*map(str, results), text):
        assert SECRET not in shown
        assert live.password not in shown
    assert stat.S_IMODE(os.stat(log).st_mode) == 0o600
    lines = [json.loads(line) for line in text.splitlines()]
    assert [(line["tool"], line["outcome"]) for line in lines] == [
        ("hosts_create", "started"),
        ("hosts_create", "done"),
        ("batch_create_hosts", "started"),
        ("batch_create_hosts", "done"),
        ("hosts_create", "started"),
        ("hosts_create", "failed: BadRequestError"),
    ]
    assert lines[0]["arguments"]["attribute"] == {"alias": "ok", "snmp_community": "***"}
    assert [line["call"] for line in lines[::2]] == [line["call"] for line in lines[1::2]]
    assert len({line["call"] for line in lines}) == 3
    assert {(line["user"], line["site"]) for line in lines} == {("automation", f"{live.api_url}")}


def test_a_mask_is_not_written_as_a_secret(live: SimulatedSite) -> None:
    refused = _call(live, "hosts_create", name="new", attribute={"snmp_community": "***"})
    assert "stands for a secret" in error_text(refused)
    assert "new" not in live.state.configuration.hosts


def test_rules_are_created_changed_moved_and_deleted(live: SimulatedSite) -> None:
    facts = {"ruleset": "host_groups", "folder": "/"}
    first, second = (result_data(_call(live, "rules_create", **facts, value=value)) for value in ("'a'", "'b'"))
    changed = result_data(_call(live, "rules_update", id=first["id"], value="'c'"))
    assert (changed["value"], changed["folder"]) == ("'c'", "/")
    assert "Python literal" in error_text(_call(live, "rules_update", id=first["id"], value="c"))
    assert result_data(_call(live, "rules_update", id=first["id"], value="None"))["value"] == "None"
    assert result_data(_call(live, "rules_update", id=first["id"], comment="x"))["value"] == "None"
    assert result_data(_call(live, "rules_move", id=second["id"], top_of="/"))["folder_index"] == 0
    assert "exactly one of" in error_text(_call(live, "rules_move", id=second["id"]))
    _call(live, "rules_delete", id=first["id"])
    assert list(live.state.configuration.objects["rules"]) == [second["id"]]


def test_every_tool_that_writes_is_called_here() -> None:
    """A new command of the table must be tested here or in test_downtime_tools.py.

    Plain nouns are tested in test_configuration_tools.py.
    """
    text = "".join(
        Path(__file__).with_name(name).read_text("utf-8") for name in ("test_writes.py", "test_downtime_tools.py")
    )
    writing = [command for command in COMMANDS if "tool" in command.faces and command.writes and not command.local]
    writing = [command for command in writing if command.own_tools and command.noun != "configuration"]
    assert [command.tool_name for command in writing if f'"{command.tool_name}"' not in text] == []
