"""Messages to models name arguments of tools, not options of the command line."""

from __future__ import annotations

import ast
import re
from typing import Any, Iterator

import pytest

pytest.importorskip("mcp", reason="needs the extra 'mcp' and Python 3.10")

from mcp import Client
from mcp_types import ElicitResult

from checkmk_sync.commands import COMMANDS, as_arguments
from checkmk_sync.commands.command import OPTIONS
from checkmk_sync.testing import SimulatedSite
from tests.conftest import PACKAGE
from tests.mcp.in_process_client import error_text, result_data, run_client


@pytest.fixture(scope="module")
def known() -> Iterator[SimulatedSite]:
    with SimulatedSite(hosts=3) as site:
        site.state.configuration.hosts["host00000"].attributes["labels"] = {"api_token": "hunter2", "env": "prod"}
        yield site


def _call(site: SimulatedSite, tool: str, /, **arguments: Any) -> Any:
    async def script(client: Client) -> Any:
        return await client.call_tool(tool, arguments)

    def person(_message: str) -> ElicitResult:
        return ElicitResult(action="accept", content={"approve": True})

    return run_client(site, script, allow_writes=True, allow=(tool,), answer=person)


@pytest.mark.parametrize(
    ("tool", "arguments", "words"),
    [
        ("hosts_update", {"name": "host00001"}, "give attribute, label, remove or remove_label"),
        ("hosts_update", {"name": "host00001", "label": {"env": ""}}, "to remove it, give remove_label env"),
        ("folders_update", {"path": "/"}, "give title or attribute"),
        (
            "sync_plan",
            {"inventory": {"hosts": [{"name": "n"}]}, "adopt": True},
            'adopt needs an owner; give owner NAME"',
        ),
        (
            "sync_apply",
            {"inventory": {"hosts": [{"name": "host00001"}]}, "owner": "me"},
            "adopt it with adopt, or remove it",
        ),
    ],
    ids=str,
)
def test_errors_name_arguments(known: SimulatedSite, tool: str, arguments: dict[str, Any], words: str) -> None:
    text = error_text(_call(known, tool, **arguments))
    assert words in text
    assert "--" not in text
    assert "Python" not in text


def test_reports_and_advice_name_arguments() -> None:
    with SimulatedSite() as site:
        site.state.configuration.add_change("edit-rule", "Changed a rule.", "carol")
        report = result_data(_call(site, "sync_apply", inventory={"hosts": [{"name": "n"}]}))["result"]
        findings = result_data(_call(site, "doctor"))["items"]
    assert "or use force_foreign (needs" in report["errors"]["activation"]
    assert [one["advice"] for one in findings if "use force_foreign, which needs" in one["advice"]]
    assert not [one for one in findings if "--" in one["advice"]]


def test_options_in_messages_exist() -> None:
    """A message that names another option needs an entry in OPTIONS."""
    named = set()
    options = {argument.option for command in COMMANDS for argument in command.arguments} - {"--confirm-delete"}
    examples = {command.example for command in COMMANDS}
    for room in ("commands", "sync", "client", "errors"):
        place = PACKAGE / room
        for path in place.rglob("*.py") if place.is_dir() else [place]:
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                text = node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
                is_message = not text.startswith("checkmk-sync ") and "``" not in text  # a text for people
                if is_message and text not in options | examples:
                    named |= set(re.findall(r"--([a-z][a-z-]*)", text))
    assert named == set(OPTIONS)
    arguments = {argument.name for command in COMMANDS if "tool" in command.faces for argument in command.arguments}
    assert {as_arguments(f"--{option}") for option in OPTIONS} <= arguments
    assert as_arguments("started without --owner-file") == "started without --owner-file"


def test_lists_and_objects_are_described_for_models(known: SimulatedSite) -> None:
    async def script(client: Client) -> Any:
        return {tool.name: tool.input_schema["properties"] for tool in (await client.list_tools()).tools}

    tools = run_client(known, script, allow_writes=True)
    for tool, properties in tools.items():
        for name, schema in properties.items():
            if schema.get("type") in ("array", "object"):
                assert re.search(r"\bthis\b|\ba label\b|\ban attribute\b", schema["description"]) is None, (tool, name)
    assert tools["hosts_update"]["remove"]["description"] == "The names of attributes to remove."


def test_labels_with_secret_names_are_masked_in_lists(known: SimulatedSite) -> None:
    result = _call(known, "stream_hosts", search="host00000")
    assert result_data(result)["items"][0]["labels"] == "api_token:*** env:prod"
    one = _call(known, "hosts_get", name="host00000")
    assert result_data(one)["labels"] == {"api_token": "***", "env": "prod"}
    assert "hunter2" not in str((result, one))
