"""Every tool that reads, called by the SDK's client, returns the state of the site."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("mcp", reason="needs the extra 'mcp' and Python 3.10")

from mcp import Client

from checkmk_sync import Target
from checkmk_sync.commands import COMMANDS
from checkmk_sync.testing import SimulatedSite
from tests.mcp.in_process_client import error_text, result_data, run_client

ADDING = (
    *("hosts_create", "batch_create_hosts", "folders_create", "rules_create", "configuration_create"),
    *("downtimes_create", "comments_create"),
)


@pytest.fixture(scope="module")
def known() -> Any:
    """A site that no test in this module changes."""
    with SimulatedSite(hosts=60, services=10) as site:
        with site.client() as cmk:
            cmk.folders.ensure("/linux/web", title="Web\x1b[31m servers")
            cmk.hosts.create("web01", "/linux/web", {"ipaddress": "192.0.2.1", "alias": "Web 1"})
        yield site


def _call(site: SimulatedSite, tool: str, **arguments: Any) -> Any:
    async def script(client: Client) -> Any:
        return await client.call_tool(tool, arguments)

    return run_client(site, script, allow=(tool,))


def _everything(site: SimulatedSite, tool: str, **arguments: Any) -> list[Any]:
    async def script(client: Client) -> list[Any]:
        items: list[Any] = []
        cursor = None
        while True:
            page = result_data(await client.call_tool(tool, {**arguments, "cursor": cursor}))
            assert page["count"] == len(page["items"])
            items += page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                assert page["total"] == len(items)
                return items

    result: list[Any] = run_client(site, script, allow=(tool,))
    return result


def test_hosts_come_in_pages(known: SimulatedSite) -> None:
    result = _everything(known, "stream_hosts", limit=25)
    assert [host["name"] for host in result] == list(known.state.configuration.hosts)
    first = result_data(_call(known, "stream_hosts", limit=25))
    assert (first["count"], first["total"]) == (25, None)
    assert [host["name"] for host in _everything(known, "stream_hosts", search="host0000*", limit=3)] == [
        f"host{number:05d}" for number in range(10)
    ]
    (only,) = _everything(known, "stream_hosts", folder="/linux/web")
    assert only == {"name": "web01", "folder": "/linux/web", "ipaddress": "192.0.2.1", "alias": "Web 1", "labels": ""}


def test_a_cursor_belongs_to_its_query(known: SimulatedSite) -> None:
    cursor = result_data(_call(known, "stream_hosts", limit=5))["next_cursor"]
    assert result_data(_call(known, "stream_hosts", limit=2, cursor=cursor))["items"][0]["name"] == "host00005"
    for wrong in (cursor[:-2], "x", "W10", cursor + "=="):
        assert "call again without cursor" in error_text(_call(known, "stream_hosts", cursor=wrong))
    assert "call again without cursor" in error_text(_call(known, "stream_hosts", cursor=cursor, search="web*"))
    assert "call again without cursor" in error_text(_call(known, "hosts_status", cursor=cursor))


def test_one_host(known: SimulatedSite) -> None:
    result = result_data(_call(known, "hosts_get", name="web01"))
    held = known.state.configuration.hosts["web01"]
    assert (result["name"], result["folder"]) == ("web01", held.folder)
    assert result["attributes"] == {"ipaddress": "192.0.2.1", "alias": "Web 1"}
    effective = result_data(_call(known, "hosts_get", name="web01", effective=True))["effective_attributes"]
    assert effective["tag_agent"] == "cmk-agent"
    assert "List the objects" in error_text(_call(known, "hosts_get", name="nope"))


def test_folders(known: SimulatedSite) -> None:
    assert {folder["path"] for folder in _everything(known, "folders_list")} == set(known.state.configuration.folders)
    assert [folder["path"] for folder in _everything(known, "folders_list", parent="/linux/web")] == ["/linux/web"]
    assert result_data(_call(known, "folders_get", path="~linux~web"))["title"] == "Web\\x1b[31m servers"


def test_status_and_problems(known: SimulatedSite) -> None:
    with known.client() as cmk:
        hosts = list(cmk.host_status.each())
        services = list(cmk.services.each())
        problems = list(cmk.problems())
        by_host = list(cmk.services.each(host="host00001"))
    assert [host["name"] for host in _everything(known, "hosts_status")] == [host.name for host in hosts]
    result = _everything(known, "services_list", limit=200)
    assert sorted((one["host"], one["service"]) for one in result) == sorted((s.host_name, s.name) for s in services)
    of_host = _everything(known, "services_list", host="host00001")
    assert [one["service"] for one in of_host] == [service.name for service in by_host]
    critical = _everything(known, "services_list", state=["critical"])
    assert len(critical) == sum(service.state.name == "CRITICAL" for service in services)
    page = result_data(_call(known, "problems", limit=1))
    assert page["total"] == len(problems)
    assert page["counts"] == {
        state: count
        for state in ("critical", "unknown", "warning", "down", "unreachable")
        if (count := sum(problem.state.name.lower() == state for problem in problems))
    }
    assert len(_everything(known, "problems", limit=7)) == len(problems)


def test_problems_of_hosts() -> None:
    rows = [{"name": f"h{state}", "state": state, "plugin_output": "x", "num_services": 0} for state in (0, 1, 2, 1)]
    rows[3]["name"] = "handled"
    rows[3]["acknowledged"] = 1
    with SimulatedSite() as site:
        site.seed_monitoring({"hosts": rows, "services": []})
        page = result_data(_call(site, "problems"))
        assert result_data(_call(site, "hosts_problems"))["counts"] == page["counts"]
        assert result_data(_call(site, "services_problems"))["items"] == []
    assert [(one["host"], one["state"]) for one in page["items"]] == [("h1", "DOWN"), ("h2", "UNREACHABLE")]
    assert page["counts"] == {"down": 1, "unreachable": 1}


def test_problems_and_status() -> None:
    hosts = [{"name": "h1", "state": 1}, {"name": "h2"}]
    services = [{"host_name": "h2", "description": "CPU", "state": 2, "plugin_output": "99 %"}]
    with SimulatedSite() as site:
        site.seed_monitoring({"hosts": hosts, "services": services})
        page = result_data(_call(site, "problems", group_by="host"))
        assert [(row["group"], row["state"], row["service"]) for row in page["items"]] == [
            ("h1", "DOWN", ""),
            ("h2", "CRITICAL", "CPU"),
        ]
        assert page["counts"] == {"down": 1, "critical": 1}
        (finding,) = result_data(_call(site, "hosts_diagnose", host="h3"))["items"]
        assert finding == {"finding": "h3 is not configured", "advice": "create it: checkmk-sync hosts create h3"}
        assert result_data(_call(site, "site_status"))["unhandled_problems"] == {"hosts": 1, "services": 1}


def test_version_and_health(known: SimulatedSite) -> None:
    assert result_data(_call(known, "site_version")) == {"checkmk": "2.4.0p18.cre", "edition": "cre", "site": "s"}
    health = result_data(_call(known, "site_health"))
    assert (health["ok"], health["breaker"], health["error"]) == (True, "closed", None)
    before = len(known.requests)
    verdicts = {one["check"]: one["verdict"] for one in _everything(known, "doctor")}
    assert (verdicts["credentials"], verdicts["read hosts"]) == ("ok", "ok")
    # The tool only reads, so it does not even try a write without effect.
    assert "change hosts" not in verdicts
    assert not any("bulk-update" in received.path for received in known.requests[before:])
    pending = _everything(known, "pending_changes")
    assert len(pending) == len(known.state.configuration.changes) == 3
    assert pending[-1]["action"] == "create-host"
    inventory = {"hosts": [{"name": "new1", "folder": "/linux"}, {"name": "web01", "folder": "/linux"}]}
    plan = result_data(_call(known, "sync_plan", inventory=inventory))
    assert plan["counts"]["create"] == 1
    assert plan["counts"]["move"] == 1
    assert plan["changes"][0] == "+ host new1: folder /linux"
    assert "new1" not in known.state.configuration.hosts


def test_an_unreachable_site_is_an_error() -> None:
    with SimulatedSite() as site, site.client() as kept:
        settings = kept.settings

        async def script(client: Client) -> Any:
            site.close()
            return await client.call_tool("site_health", {}), await client.call_tool("stream_hosts", {})

        health, hosts = run_client(site, script, options={"recovery": {"retry": {"max_retries": 0}}})
    assert result_data(health)["ok"] is False
    assert "Nothing was sent" in error_text(hosts)
    assert settings.site == "s"


def test_metrics_and_cache_statistics(known: SimulatedSite) -> None:
    async def script(client: Client) -> Any:
        for _ in range(3):
            await client.call_tool("folders_get", {"path": "/linux"})
        stats = result_data(await client.call_tool("cache_stats", {}))
        metrics = result_data(await client.call_tool("get_server_metrics", {}))
        some = result_data(await client.call_tool("clear_cache", {"pattern": "hosts:*"}))
        rest = result_data(await client.call_tool("clear_cache", {}))
        return stats, metrics, some, rest, result_data(await client.call_tool("cache_stats", {}))

    stats, metrics, some, rest, after = run_client(known, script)
    assert (stats["hits"], stats["size"]) == (2, 1)
    assert metrics["timings"]["call.folders.get"]["count"] == 1  # the others were cache hits
    assert (metrics["breaker"], metrics["cache"]["hits"]) == ("closed", 2)
    assert (some["forgotten"], rest["forgotten"], after["size"]) == (0, 1, 0)


def test_rules_are_listed_and_computed_for_a_host() -> None:
    with SimulatedSite(hosts=1) as site, site.client() as cmk:
        rule = cmk.rules.create(ruleset="host_groups", folder="/", value="linux")

        async def script(client: Client) -> Any:
            return [
                result_data(await client.call_tool("rules_list", {"ruleset": "host_groups"}))["items"],
                result_data(await client.call_tool("rules_effective", {"host": "host00000"}))["items"],
                [result_data(await client.call_tool("rules_get", {"id": rule.id}))],
            ]

        for rows in run_client(site, script):
            assert [(row["id"], row["value"]) for row in rows] == [(rule.id, "'linux'")]


def test_fields_are_explained(known: SimulatedSite) -> None:
    (tag,) = _everything(known, "explain_fields", what="hosts.tag_networking")
    assert (tag["one_of"], tag["example"]) == ("lan, wan, dmz", "lan")


def test_downtimes_acknowledgements_and_comments() -> None:
    with SimulatedSite() as site, site.client() as cmk:
        site.seed_monitoring({"hosts": [{"name": "web01", "state": 1}, {"name": "web010"}], "services": []})
        assert cmk.downtimes.create(Target.host("web01", "web010"), end="2h", comment="reboot").ok
        assert cmk.acknowledgements.set("web01", comment="ticket").ok
        for tool, text in (
            ("downtimes_list", "reboot"),
            ("acknowledgements_list", "ticket"),
            ("comments_list", "ticket"),
        ):
            rows = _everything(site, tool, host=["web01"])
            assert [(row["host"], row["service"], row["comment"]) for row in rows] == [("web01", "", text)]


def test_every_tool_that_reads_is_called_here() -> None:
    """A new command of the table must be tested here. Plain nouns are tested in test_configuration_tools.py."""
    text = Path(__file__).read_text("utf-8")
    reading = [command for command in COMMANDS if "tool" in command.faces and (command.local or not command.writes)]
    reading = [command for command in reading if command.own_tools and command.noun != "configuration"]
    assert [command.tool_name for command in reading if f'"{command.tool_name}"' not in text] == []


def test_tools_have_descriptions_and_examples(known: SimulatedSite) -> None:
    async def script(client: Client) -> Any:
        return (await client.list_tools()).tools

    for tool in run_client(known, script, allow_writes=True):
        command = next(command for command in COMMANDS if command.tool_name == tool.name)
        assert command.help in tool.description
        assert tool.annotations.read_only_hint is not command.writes
        adds_only = command.tool_name in ADDING
        assert tool.annotations.destructive_hint is (command.writes and not adds_only)
        assert tool.output_schema["type"] == "object"
        assert tool.input_schema["additionalProperties"] is False
        assert all(result.get("description") for result in tool.input_schema["properties"].values())
