"""Each command of the table becomes a tool without further code in the MCP server."""

from __future__ import annotations

from typing import Any, Iterator

import pytest

pytest.importorskip("mcp", reason="needs the extra 'mcp' and Python 3.10")

from mcp import Client
from mcp_types import ElicitResult

import checkmk_sync.mcp.server
from checkmk_sync import Checkmk
from checkmk_sync.commands import COMMANDS, Argument, Command, Field
from checkmk_sync.testing import SimulatedSite
from tests.mcp.in_process_client import error_text, result_data, run_client


def _even(number: int) -> None:
    if number % 2:
        raise ValueError(f"{number} is odd")


def _count(client: Checkmk, least: int, flavour: str) -> Iterator[dict[str, Any]]:
    for number in range(least, 50):
        yield {"number": number, "site": client.settings.site, "flavour": flavour, "hidden": "x"}


COUNT = Command(
    "teapots list",
    "List teapots.",
    _count,
    (
        Argument("least", "The first.", int, default=0, check=_even),
        Argument("flavour", "What is in it.", required=True, choices=("green", "black"), example="green"),
    ),
    columns=("number",),
    fields=(Field("number", "Its number.", int), Field("site", "Where it stands."), Field("flavour", "Its tea.")),
)
DROP = Command(
    "teapots delete",
    "Drop all teapots.",
    lambda client: {"broken": 50},
    writes=True,
    destructive=True,
)


@pytest.fixture
def with_teapots(monkeypatch: pytest.MonkeyPatch) -> Iterator[SimulatedSite]:
    monkeypatch.setattr(checkmk_sync.mcp.server, "COMMANDS", (*COMMANDS, COUNT, DROP))
    with SimulatedSite() as site:
        yield site


def test_a_command_becomes_a_tool(with_teapots: SimulatedSite) -> None:
    async def script(client: Client) -> Any:
        tool = next(tool for tool in (await client.list_tools()).tools if tool.name == "teapots_list")
        pages = [result_data(await client.call_tool("teapots_list", {"flavour": "green", "least": 2, "limit": 30}))]
        cursor = pages[0]["next_cursor"]
        again = {"flavour": "green", "least": 2, "limit": 30, "cursor": cursor}
        pages.append(result_data(await client.call_tool("teapots_list", again)))
        odd = await client.call_tool("teapots_list", {"flavour": "green", "least": 1})
        wrong = await client.call_tool("teapots_list", {"flavour": "milk"})
        return tool, pages, odd, wrong

    tool, pages, odd, wrong = run_client(with_teapots, script)
    assert tool.input_schema["required"] == ["flavour"]
    assert tool.input_schema["properties"]["flavour"]["enum"] == ["green", "black"]
    item = tool.output_schema["$defs"]["teapots_list_item"]["properties"]
    assert {name: found["type"] for name, found in item.items()} == {
        "number": "integer",
        "site": "string",
        "flavour": "string",
    }
    numbers = [one["number"] for page in pages for one in page["items"]]
    assert numbers == list(range(2, 50))
    assert pages[0]["items"][0] == {"number": 2, "site": "s", "flavour": "green"}
    assert pages[1]["next_cursor"] is None
    assert "1 is odd" in error_text(odd)
    assert "flavour" in error_text(wrong)


def test_a_destructive_command_needs_approval_without_a_preview(with_teapots: SimulatedSite) -> None:
    questions = []

    def person(message: str) -> ElicitResult:
        questions.append(message)
        return ElicitResult(action="accept", content={"approve": True})

    async def script(client: Client) -> Any:
        return await client.call_tool("teapots_delete", {})

    result = run_client(with_teapots, script, allow_writes=True, answer=person)
    assert result_data(result) == {"done": True, "result": {"broken": 50}}
    assert questions[0].startswith("Drop all teapots.")
    assert "approval" in error_text(run_client(with_teapots, script, allow_writes=True))


def test_names_of_tools_are_unique() -> None:
    names = [command.tool_name for command in COMMANDS]
    assert len(set(names)) == len(names)


def test_a_tool_does_not_describe_the_option_that_turns_an_argument_off() -> None:
    switches = [arg for command in COMMANDS for arg in command.arguments if arg.kind is bool and arg.default is True]
    assert {argument.name for argument in switches} >= {"discover", "notify", "sticky"}
    assert [argument.name for argument in switches if not argument.tool_help] == []
