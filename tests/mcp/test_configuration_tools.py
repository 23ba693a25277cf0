"""Plain nouns share five tools, or have tools of their own if the operator asks for them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Iterator

import pytest

pytest.importorskip("mcp", reason="needs the extra 'mcp' and Python 3.10")

from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp_types import ElicitResult, ResourceTemplateReference

from checkmk_sync.catalogue.nouns import NOUNS
from checkmk_sync.cli.app import run
from checkmk_sync.commands.configuration import COMMANDS, KINDS
from checkmk_sync.errors import SettingsError
from checkmk_sync.mcp.policy import Policy
from checkmk_sync.testing import SimulatedSite
from tests.conftest import ROOT
from tests.mcp.in_process_client import MODES, error_text, result_data, run_client

TOOLS = {command.tool_name for command in COMMANDS}
SECRET = "geheim-geheim"


@pytest.fixture
def live() -> Iterator[SimulatedSite]:
    with SimulatedSite() as site, site.client() as cmk:
        cmk.host_groups.create("linux", alias="Linux \x1b[31mservers")
        cmk.passwords.create("snmp", title="SNMP", password=SECRET)
        yield site


def _yes(_question: str) -> ElicitResult:
    return ElicitResult(action="accept", content={"approve": True})


def _call(site: SimulatedSite, tool: str, /, options: Any = None, **arguments: Any) -> Any:
    async def script(client: Client) -> Any:
        return await client.call_tool(tool, arguments)

    return run_client(site, script, **{"allow_writes": True, "answer": _yes, **(options or {})})


def _tools(site: SimulatedSite, **policy: Any) -> dict[str, Any]:
    async def script(client: Client) -> Any:
        return {tool.name: tool for tool in (await client.list_tools()).tools}

    tools: dict[str, Any] = run_client(site, script, **policy)
    return tools


def _kinds(tool: Any) -> list[str]:
    kinds = tool.input_schema["properties"]["kind"]
    return list(kinds.get("enum") or [kinds["const"]])


def test_objects_are_listed_created_changed_and_deleted(live: SimulatedSite) -> None:
    created = _call(live, "configuration_create", kind="host_groups", name="db", values={"alias": "Databases"})
    assert result_data(created) == {"kind": "host_groups", "name": "db", "values": {"alias": "Databases"}}
    page = result_data(_call(live, "configuration_list", kind="host_groups"))
    assert [(item["name"], item["values"]["alias"]) for item in page["items"]] == [
        ("linux", "Linux \\x1b[31mservers"),
        ("db", "Databases"),
    ]
    found = result_data(_call(live, "configuration_list", kind="host_groups", search="DATA"))
    assert [item["name"] for item in found["items"]] == ["db"]
    changed = _call(live, "configuration_update", kind="host_groups", name="db", values={"alias": "DB"})
    assert result_data(changed)["values"] == {"alias": "DB"}
    assert result_data(_call(live, "configuration_get", kind="host_groups", id="db"))["values"] == {"alias": "DB"}
    deleted = _call(live, "configuration_delete", kind="host_groups", name="db")
    assert result_data(deleted) == {"done": True, "result": {"deleted": "db"}}
    assert "db" not in live.state.configuration.objects["host_groups"]


CREATED = {name for name, noun in KINDS.items() if noun.supports("create")}


@pytest.mark.parametrize("kind", sorted(CREATED - {"passwords"}))  # a tool must not set their secret
def test_every_kind_is_created_from_its_examples(live: SimulatedSite, kind: str) -> None:
    noun = NOUNS[kind]
    values = {field.name: field.example for field in noun.fields[1:] if field.required}
    name = {} if noun.key.assigned else {"name": "new"}
    if name:
        assert "needs a name" in error_text(_call(live, "configuration_create", kind=kind, values=values))
    made = result_data(_call(live, "configuration_create", kind=kind, values=values, **name))
    assert all(noun.by_name[field].same(made["values"][field], value) for field, value in values.items())


def test_secrets_inside_values_are_hidden_and_not_set(live: SimulatedSite, tmp_path: Path) -> None:
    def method(url: str) -> dict[str, Any]:
        endpoint = {"option": "explicit", "url": url}
        return {
            "option": "create_notification_with_the_following_parameters",
            "plugin_params": {"plugin_name": "victorops", "splunk_on_call_rest_endpoint": endpoint},
        }

    log, url = tmp_path / "audit.log", f"https://alert.victorops.com/integrations/{SECRET}"
    with live.client() as cmk:
        key = cmk.notification_rules.create(description="Phone", method=method(url)).id
    shown = _call(live, "configuration_get", kind="notification_rules", name=key)
    found = result_data(shown)["values"]["method"]["plugin_params"]["splunk_on_call_rest_endpoint"]
    assert found == {"option": "explicit", "url": "***"}
    values = {"description": "Mail", "method": method(url)}
    refused = _call(live, "configuration_create", {"audit": log}, kind="notification_rules", values=values)
    assert "method contains a secret, which a tool cannot set; write secret:NAME" in error_text(refused)
    assert SECRET not in f"{shown} {log.read_text() if log.exists() else ''}"


@pytest.mark.parametrize("mode", MODES)
def test_a_delete_is_approved_with_all_fields(live: SimulatedSite, mode: str) -> None:
    questions = []

    def person(message: str) -> ElicitResult:
        questions.append(message)
        return ElicitResult(action="decline")

    options = {"answer": person, "mode": mode}
    refused = _call(live, "configuration_delete", options, kind="host_groups", name="linux")
    assert "no person approved" in error_text(refused)
    assert questions == [
        "Permanently delete the host group linux from the configuration of s.\n"
        "name: linux\nalias: Linux \\x1b[31mservers"
    ]
    assert "linux" in live.state.configuration.objects["host_groups"]
    absent = _call(live, "configuration_delete", options, kind="host_groups", name="nope")
    assert "does not exist" in error_text(absent)
    assert len(questions) == 1, "nobody is asked about an object that does not exist"


def test_a_change_after_the_question_cancels_the_delete(live: SimulatedSite) -> None:
    def person(_message: str) -> ElicitResult:
        with live.client() as cmk:
            cmk.host_groups.update("linux", alias="Changed")
        return _yes("")

    for tool, options in (("configuration_delete", {}), ("host_groups_delete", {"tools": ("host_groups",)})):
        arguments = {"name": "linux", **({"kind": "host_groups"} if tool == "configuration_delete" else {})}
        with live.client() as cmk:
            cmk.host_groups.update("linux", alias="Before")
        result = _call(live, tool, {"answer": person, **options}, **arguments)
        assert "have changed since the preview" in error_text(result)
    assert "linux" in live.state.configuration.objects["host_groups"]


def test_writes_are_audited(live: SimulatedSite, tmp_path: Path) -> None:
    log = tmp_path / "audit.log"
    _call(live, "configuration_update", {"audit": log}, kind="host_groups", name="linux", values={"alias": "x"})
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [(line["tool"], line["outcome"]) for line in lines] == [
        ("configuration_update", "started"),
        ("configuration_update", "done"),
    ]
    assert lines[0]["arguments"] == {"kind": "host_groups", "name": "linux", "values": {"alias": "x"}}


@pytest.mark.parametrize(
    ("tool", "arguments", "message"),
    [
        ("configuration_create", {"values": {"alais": "x"}}, "host groups do not have the field 'alais'; did you mean"),
        ("configuration_create", {"values": {"alias": 5}}, "alias must be a string, not an int"),
        ("configuration_update", {"values": {"alias": ""}}, "alias must not be empty"),
        ("configuration_update", {"values": {"name": "x"}}, "host groups do not have the field 'name'"),
        ("configuration_update", {}, "an argument is missing or empty: values"),
        ("configuration_update", {"values": ["x"]}, "values"),
        ("configuration_update", {"values": {"alias": "a\u200bb"}}, "invisible character U+200B"),
        ("configuration_update", {"values": {"alias": "***"}}, "stands for a secret"),
        ("configuration_delete", {"kind": "hosts"}, "kind: Input should be "),
    ],
)
def test_mistakes_are_refused_before_anything_is_done(
    live: SimulatedSite, tmp_path: Path, tool: str, arguments: Any, message: str
) -> None:
    before, log = len(live.requests), tmp_path / "audit.log"
    result = _call(live, tool, {"audit": log}, **{"kind": "host_groups", "name": "linux", **arguments})
    assert message in error_text(result)
    assert "Nothing was done" in error_text(result)
    assert (len(live.requests), log.read_text()) == (before, "")


# Secrets


def test_no_tool_sets_or_shows_a_secret(live: SimulatedSite, tmp_path: Path) -> None:
    log, options = tmp_path / "audit.log", {"tools": ("passwords",), "audit": tmp_path / "audit.log"}
    before = len(live.requests)
    by_kind = _call(
        live, "configuration_update", options, kind="passwords", name="snmp", values={"password": "new-one"}
    )
    assert "password is a secret, which a tool cannot set" in error_text(by_kind)
    assert "checkmk-sync passwords update NAME --password-file FILE" in error_text(by_kind)
    own = _call(live, "passwords_update", options, name="snmp", password="new-one")
    assert "password: Extra inputs are not permitted" in error_text(own)
    assert len(live.requests) == before
    assert "new-one" not in error_text(by_kind) + error_text(own) + log.read_text()
    shown = [
        _call(live, "configuration_get", options, kind="passwords", name="snmp"),
        _call(live, "configuration_list", options, kind="passwords"),
        _call(live, "passwords_get", options, name="snmp"),
        _call(live, "passwords_list", options),
        _call(live, "passwords_update", options, name="snmp", title="New"),
    ]
    assert all(SECRET not in str(result) for result in shown)
    assert result_data(shown[-1])["title"] == "New"
    tools = _tools(live, allow_writes=True, tools=("passwords",))
    assert "passwords_create" not in tools
    assert "passwords" not in _kinds(tools["configuration_create"])
    assert "passwords" in _kinds(tools["configuration_update"])
    assert "password" not in tools["passwords_update"].input_schema["properties"]


# Policy


def test_own_tools_are_offered_on_request(live: SimulatedSite) -> None:
    verbs = ("list", "get", "create", "update", "delete")
    assert set(_tools(live, allow_writes=True)) >= TOOLS
    assert set(_tools(live)) & TOOLS == {"configuration_list", "configuration_get"}
    plain = {f"{kind}_{verb}" for kind in KINDS for verb in verbs}
    assert not plain & set(_tools(live, allow_writes=True))
    for spelling in ("host_groups", "host-groups"):
        assert plain & set(_tools(live, tools=(spelling,))) == {"host_groups_list", "host_groups_get"}
        offered = plain & set(_tools(live, tools=(spelling,), allow_writes=True))
        assert offered == {f"host_groups_{verb}" for verb in verbs}
    tools = _tools(live, tools=("time_periods",), allow_writes=True)
    create = tools["time_periods_create"]
    assert create.input_schema["required"] == ["name", "alias", "active_time_ranges"]
    assert create.input_schema["properties"]["active_time_ranges"]["type"] == "array"
    assert tools["time_periods_delete"].annotations.destructive_hint is True
    assert tools["time_periods_list"].annotations.read_only_hint is True


def test_own_tools_work_like_the_shared_ones(live: SimulatedSite) -> None:
    options = {"tools": ("host_groups", "time_periods")}
    ranges = [{"day": "monday", "time_ranges": [{"start": "08:00", "end": "17:00"}]}]
    made = _call(live, "time_periods_create", options, name="work", alias="Work", active_time_ranges=json.dumps(ranges))
    assert result_data(made)["active_time_ranges"] == ranges
    page = result_data(_call(live, "host_groups_list", options, search="LINUX"))
    assert page["items"][0]["alias"] == "Linux \\x1b[31mservers"
    changed = _call(live, "host_groups_update", options, name="linux", alias="Linux")
    assert result_data(changed)["alias"] == "Linux"
    deleted = _call(live, "host_groups_delete", options, name="linux")
    assert result_data(deleted) == {"done": True, "result": {"deleted": "linux"}}


def test_a_denied_kind_is_denied_to_the_shared_tools(live: SimulatedSite) -> None:
    tools = _tools(live, allow_writes=True, deny=("passwords_*", "time_periods_delete"))
    assert all("passwords" not in _kinds(tools[name]) for name in TOOLS)
    assert "time_periods" in _kinds(tools["configuration_update"])
    assert "time_periods" not in _kinds(tools["configuration_delete"])
    refused = _call(live, "configuration_get", {"deny": ("passwords_*",)}, kind="passwords", name="snmp")
    assert "kind: Input should be" in error_text(refused)
    assert not TOOLS & set(_tools(live, allow_writes=True, deny=("configuration_*",)))
    assert "configuration_delete" not in _tools(live, allow_writes=True, deny=("*_delete",))
    assert set(_tools(live, allow=("configuration_get",))) == {"configuration_get"}


def test_useless_options_are_refused(site_for_cli: SimulatedSite, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SettingsError, match="unknown kind of object 'host_grops'; did you mean 'host_groups'"):
        Policy(tools=("host_grops",))
    with pytest.raises(SettingsError, match="unknown kind of object 'hosts'"):
        Policy(tools=("hosts",))
    with pytest.raises(SettingsError, match="the tools that match 'host_groups_list' need --tools host-groups"):
        Policy(allow=("host_groups_list",))
    assert Policy(allow=("host_groups_list",), tools=("host-groups",)).tools == ("host_groups",)
    with pytest.raises(SettingsError, match="all tools that match 'configuration_delete' write"):
        Policy(allow=("configuration_delete",))
    assert run(["mcp", "--tools", "nope"]) == 2
    assert "unknown kind of object 'nope'" in capsys.readouterr().err


# The description of kinds


def test_a_resource_describes_the_fields_of_a_kind(live: SimulatedSite) -> None:
    async def script(client: Client) -> Any:
        found = {}
        for kind in KINDS:
            (entry,) = (await client.read_resource(f"checkmk://kinds/{kind}")).contents
            found[kind] = json.loads(entry.text)  # type: ignore[union-attr]
        with pytest.raises(MCPError, match="unknown kind"):
            await client.read_resource("checkmk://kinds/hosts")
        return found

    kinds = run_client(live, script)
    for kind, described in kinds.items():
        assert [field["name"] for field in described["fields"]] == [field.name for field in NOUNS[kind].fields]
    alias = kinds["host_groups"]["fields"][1]
    assert alias["required_to_create"] is True
    assert (alias["type"], alias["example"]) == ("string", "Linux servers")
    secret = next(field for field in kinds["passwords"]["fields"] if field["name"] == "password")
    assert set(secret) == {"name", "description"}
    assert "cannot be set" in secret["description"]


def test_kinds_are_completed_and_follow_the_policy(live: SimulatedSite) -> None:
    uri = "checkmk://kinds/{kind}"

    async def script(client: Client) -> Any:
        reference = ResourceTemplateReference(type="ref/resource", uri=uri)
        found = (await client.complete(reference, {"name": "kind", "value": "host"})).completion.values
        templates = {entry.uri_template for entry in (await client.list_resource_templates()).resource_templates}
        return found, uri in templates

    assert run_client(live, script) == (["host_groups"], True)
    assert run_client(live, script, deny=("host_groups_*",)) == ([], True)
    assert run_client(live, script, deny=("configuration_*",)) == ([], False)


NEW_NOUN = """
from checkmk_sync.catalogue.noun import CRUD, Record, attr, key, noun

@noun("teapots", "teapot", "teapot", CRUD, rank=10)
class Teapot(Record):
    name: str = key("ID of the teapot.", example="brown")
    title: str = attr("Title of the teapot.", at=("title",), example="Brown Betty")

from checkmk_sync.testing import SimulatedSite
from tests.mcp.in_process_client import result_data, run_client

async def script(client):
    new = {"kind": "teapots", "name": "brown", "values": {"title": "Brown Betty"}}
    result_data(await client.call_tool("configuration_create", new))
    (entry,) = (await client.read_resource("checkmk://kinds/teapots")).contents
    assert "Title of the teapot." in entry.text
    print(result_data(await client.call_tool("teapots_get", {"name": "brown"})))

with SimulatedSite() as site:
    run_client(site, script, allow_writes=True, tools=("teapots",))
"""


@pytest.mark.slow
def test_a_new_row_is_enough_for_tools() -> None:
    done = subprocess.run([sys.executable, "-c", NEW_NOUN], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "{'name': 'brown', 'title': 'Brown Betty'}"
