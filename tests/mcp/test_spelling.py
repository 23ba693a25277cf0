"""Alternative spellings of arguments by models: null and empty values, aliases, strings of JSON."""

from __future__ import annotations

import json
from typing import Any, Iterator

import pytest

pytest.importorskip("mcp", reason="needs the extra 'mcp' and Python 3.10")

from mcp import Client
from mcp_types import ElicitResult

from checkmk_sync.commands import COMMANDS, Argument, Command
from checkmk_sync.mcp.tools import tool_arguments
from checkmk_sync.testing import ManualClock, SimulatedSite
from tests.mcp.in_process_client import error_text, result_data, run_client

TOOLS = [command for command in COMMANDS if "tool" in command.faces and command.own_tools]
EMPTY: list[Any] = [None, "", [], {}]


@pytest.fixture(scope="module")
def known() -> Iterator[SimulatedSite]:
    """A site that no test in this module changes."""
    clock = ManualClock()  # so that equal calls have equal results
    with SimulatedSite(hosts=30, services=10, clock=clock) as site, site.client(clock=clock) as cmk:
        cmk.folders.ensure("/linux/web")
        cmk.hosts.create("web01", "/linux/web", {"alias": "Web 1"})
        yield site


@pytest.fixture
def live() -> Iterator[SimulatedSite]:
    with SimulatedSite(hosts=3, services=5) as site, site.client() as cmk:
        cmk.folders.ensure("/linux/web")
        yield site


def _call(site: SimulatedSite, tool: str, /, *calls: dict[str, Any]) -> Any:
    """Return the results of some calls of a tool, approved by a person."""

    async def script(client: Client) -> Any:
        return [await client.call_tool(tool, arguments) for arguments in calls]

    def person(_message: str) -> ElicitResult:
        return ElicitResult(action="accept", content={"approve": True})

    command = next(command for command in TOOLS if command.tool_name == tool)
    result = run_client(site, script, allow_writes=command.writes and not command.local, allow=(tool,), answer=person)
    return result if len(result) > 1 else result[0]


# Omitted arguments


def _optional() -> Iterator[Any]:
    for command in TOOLS:
        for argument in tool_arguments(command):
            if not argument.required and argument.kind != "file":
                yield pytest.param(command, argument, id=f"{command.tool_name}-{argument.name}")


def _needed(command: Command) -> dict[str, Any]:
    arguments = {argument.name: argument.example for argument in command.arguments if argument.required}
    return {**arguments, "inventory": {"hosts": [{"name": "web01"}]}} if command.noun == "sync" else arguments


LATE = ("seconds", "elapsed_s", "latency_s", "window_s", "request_rate_per_second", "timings", "counters", "gauges")


def _answer(result: Any) -> Any:
    """Return the text of a result, without the parts that differ between calls."""
    if result.is_error:
        return "".join(result.content[0].text.split())
    return json.dumps(
        {key: value for key, value in result.structured_content.items() if key not in LATE}, sort_keys=True
    )


@pytest.mark.parametrize(("command", "argument"), list(_optional()))
def test_optional_arguments_may_be_null_or_empty(known: SimulatedSite, command: Command, argument: Argument) -> None:
    if command.writes and not command.local:
        pytest.skip("shown below, with a site of its own")
    needed = {} if argument.name in _needed(command) else _needed(command)
    first, *others = _call(known, command.tool_name, needed, *({**needed, argument.name: empty} for empty in EMPTY))
    if command.tool_name not in ("cache_stats", "get_server_metrics", "site_health", "clear_cache", "doctor"):
        assert {_answer(other) for other in others} == {_answer(first)}
    assert all(other.is_error is first.is_error for other in others)


@pytest.mark.slow
@pytest.mark.parametrize("empty", EMPTY, ids=repr)
def test_optional_arguments_of_writes_may_be_null_or_empty(live: SimulatedSite, empty: Any) -> None:
    def write(tool: str, **arguments: Any) -> Any:
        command = next(command for command in TOOLS if command.tool_name == tool)
        nothing = {argument.name: empty for argument in tool_arguments(command) if argument.name not in arguments}
        return result_data(_call(live, tool, {**nothing, **arguments}))

    assert write("hosts_create", host="new")["folder"] == "/"
    assert write("hosts_update", host="new", attribute={"alias": "x"})["attributes"] == {"alias": "x"}
    assert write("folders_create", folder="/new")["title"] == "new"
    assert write("folders_update", folder="/new", title="New")["title"] == "New"
    assert write("discover_services", hosts=["new"])["result"]["hosts"] == 1
    assert write("activate_changes")["result"]["activated"] > 0
    assert write("folders_delete", folder="/new")["result"] == {"deleted": "/new"}
    assert write("hosts_delete", hosts=["new"])["result"] == {"deleted": 1}
    applied = write("sync_apply", inventory={"hosts": [{"name": "host00000"}]})
    assert applied["result"]["verified"] is True


def _required() -> Iterator[Any]:
    for command in TOOLS:
        for argument in command.arguments:
            if argument.required:
                yield pytest.param(command, argument, id=f"{command.tool_name}-{argument.name}")


@pytest.mark.parametrize(("command", "argument"), list(_required()))
def test_a_missing_argument_is_named(known: SimulatedSite, command: Command, argument: Argument) -> None:
    others = {name: value for name, value in _needed(command).items() if name != argument.name}
    before = len(known.requests)
    answers = _call(known, command.tool_name, others, *({**others, argument.name: empty} for empty in EMPTY))
    for answer in answers:
        text = error_text(answer)
        assert text == f"Nothing was done, because an argument is missing or empty: {argument.name} ({argument.help})"
    assert len(known.requests) == before


def test_all_missing_arguments_are_named_at_once(known: SimulatedSite) -> None:
    text = error_text(_call(known, "hosts_move", {}))
    assert "because arguments are missing or empty: hosts (" in text and "; destination (" in text


# Other spellings of values


@pytest.mark.parametrize("number", [5, 5.0, "5", "5.0", " 5 ", "+5"], ids=repr)
@pytest.mark.parametrize("name", ["limit", "batch_size"])
def test_integers_may_be_strings_or_floats(known: SimulatedSite, number: Any, name: str) -> None:
    first = result_data(_call(known, "stream_hosts", {name: number}))
    assert first["count"] == 5
    second = result_data(_call(known, "stream_hosts", {name: number, "cursor": first["next_cursor"]}))
    assert [host["name"] for host in second["items"]] == [f"host{n:05d}" for n in range(5, 10)]


@pytest.mark.parametrize(
    "number",
    [5.5, "5.5", "five", "5e0", "0x5", "٥5x", True, [5], {"a": 5}, "1" * 5000, float("1e300"), -1, 0, "0"],
    ids=ascii,
)
def test_invalid_integers_are_refused(known: SimulatedSite, number: Any) -> None:
    answer = error_text(_call(known, "stream_hosts", {"limit": number}))
    assert "limit: " in answer and len(answer) < 200


@pytest.mark.parametrize(
    ("value", "effective"), [("true", True), ("True", True), ("false", False), ("FALSE", False), (True, True)]
)
def test_booleans_may_be_strings(known: SimulatedSite, value: Any, effective: bool) -> None:
    result = result_data(_call(known, "hosts_get", {"host": "web01", "effective": value}))
    assert (result.get("effective_attributes") is not None) is effective


@pytest.mark.parametrize("value", ["yes", "1", 1, 0, "on", ["true"]], ids=repr)
def test_invalid_booleans_are_refused(known: SimulatedSite, value: Any) -> None:
    assert "effective: " in error_text(_call(known, "hosts_get", {"host": "web01", "effective": value}))


@pytest.mark.parametrize(
    "value", ["CRITICAL", "critical", "Crit", ["CRIT"], ["c"], '["critical"]', ["critical", "CRITICAL"]], ids=repr
)
def test_states_may_be_abbreviated(value: Any) -> None:
    services = [{"host_name": "h", "description": f"s{state}", "state": state} for state in range(4)]
    with SimulatedSite() as site:
        site.seed_monitoring({"hosts": [{"name": "h", "state": 1}], "services": services})
        result = result_data(_call(site, "services_list", {"state": value}))
        assert [row["service"] for row in result["items"]] == ["s2"]
        assert result_data(_call(site, "hosts_status", {"state": ["DOWN", "unr"]}))["count"] == 1


@pytest.mark.parametrize(
    "value", ["nonsense", ["critical", "x"], [2], "critical; drop", ["criticality"], [None]], ids=repr
)
def test_invalid_states_are_refused(known: SimulatedSite, value: Any) -> None:
    assert "state" in error_text(_call(known, "services_list", {"state": value}))


def test_lists_and_objects_may_be_json_strings(live: SimulatedSite) -> None:
    made = result_data(
        _call(live, "hosts_create", {"host": "new", "attribute": '{"alias": "x"}', "label": '{"env": "prod"}'})
    )
    assert (made["attributes"], made["labels"]) == ({"alias": "x"}, {"env": "prod"})
    assert result_data(_call(live, "hosts_delete", {"hosts": '["new"]'}))["result"] == {"deleted": 1}
    inventory = '{"hosts": [{"name": "host00000"}]}'
    assert result_data(_call(live, "sync_plan", {"inventory": inventory}))["nothing_to_do"] in (True, False)


def test_writes_accept_lists_only(live: SimulatedSite) -> None:
    assert "hosts: " in error_text(_call(live, "hosts_delete", {"hosts": "host00000"}))
    assert len(live.state.configuration.hosts) == 3


# One name for each object


def test_an_object_has_the_same_argument_name_in_all_tools() -> None:
    names = {argument.name for command in TOOLS for argument in command.arguments if command.noun != "configuration"}
    assert not names & {"name", "names", "path", "parent", "host_name"}
    for command in TOOLS:
        own = {argument.name for argument in command.arguments}
        aliases = {alias for argument in command.arguments for alias in argument.aliases}
        assert not ({"host", "hosts"} <= own)
        assert len(aliases) == len([alias for argument in command.arguments for alias in argument.aliases])
        if command.noun == "folders":
            assert "folder" in own
        if command.name == "move" and command.noun != "rules":  # a rule has more than one kind of target
            assert "destination" in own


OLD = {
    "hosts_get": {"name": "web01"},
    "folders_get": {"path": "/linux/web"},
    "folders_list": {"parent": "/linux"},
}


@pytest.mark.parametrize("tool", OLD)
def test_aliases_mean_the_same(known: SimulatedSite, tool: str) -> None:
    command = next(command for command in TOOLS if command.tool_name == tool)
    ((old, value),) = OLD[tool].items()
    (new,) = (argument.name for argument in command.arguments if old in argument.aliases)
    one, other, both = _call(known, tool, {old: value}, {new: value}, {old: value, new: value})
    assert result_data(one) == result_data(other) == result_data(both)
    assert result_data(_call(known, tool, {old: value, new: None})) == result_data(one)
    twice = error_text(_call(known, tool, {old: value, new: "/other"}))
    assert twice == f"Nothing was done: {old} and {new} are the same argument; give one of them."


def test_aliases_of_writes_mean_the_same(live: SimulatedSite) -> None:
    result_data(_call(live, "hosts_create", {"name": "new", "folder": "/"}))
    for arguments in ({"names": ["new"], "folder": "/linux"}, {"host": "new", "destination": "/linux/web"}):
        assert result_data(_call(live, "hosts_move", arguments))["moved"] == 1
    made = result_data(
        _call(live, "batch_create_hosts", {"hosts": [{"host": "b1"}, {"name": "b2"}, {"host_name": "b3"}]})
    )
    assert made["applied"] == 3
    assert result_data(_call(live, "discover_services", {"names": ["b1", "b2"]}))["result"]["hosts"] == 2
    assert result_data(_call(live, "hosts_delete", {"names": ["b1", "b2", "b3", "new"]}))["result"] == {"deleted": 4}
    assert result_data(_call(live, "folders_delete", {"path": "/linux/web"}))["result"] == {"deleted": "/linux/web"}


def test_the_schema_accepts_batch_size(known: SimulatedSite) -> None:
    async def script(client: Client) -> Any:
        return {tool.name: tool.input_schema["properties"] for tool in (await client.list_tools()).tools}

    properties = run_client(known, script, allow_writes=True)
    for key in ("minimum", "maximum", "type"):
        assert properties["stream_hosts"]["batch_size"][key] == properties["stream_hosts"]["limit"][key]
    named = {name: {"names", "path", "parent", "name"} & {*found} for name, found in properties.items()}
    assert {name for name, found in named.items() if found and not name.startswith("configuration_")} == set()


def test_unknown_arguments_are_refused(known: SimulatedSite) -> None:
    for value in (1, None, "", []):
        assert "nonsense" in error_text(_call(known, "hosts_get", {"host": "web01", "nonsense": value}))
