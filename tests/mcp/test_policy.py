"""A tool that is not allowed is not offered, and neither are its prompts and completions."""

from __future__ import annotations

import re
from typing import Any, Iterator

import pytest

pytest.importorskip("mcp", reason="needs the extra 'mcp' and Python 3.10")

from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp_types import PromptReference, ResourceTemplateReference

from checkmk_sync.cli.app import run
from checkmk_sync.commands import COMMANDS
from checkmk_sync.errors import SettingsError
from checkmk_sync.mcp.policy import Policy
from checkmk_sync.mcp.prompts import PROMPTS
from checkmk_sync.testing import SimulatedSite
from tests.mcp.in_process_client import run_client

TOOLS = {command.tool_name for command in COMMANDS if "tool" in command.faces}
ARGUMENTS = {"triage_host": {"host": "h"}, "onboard_hosts": {"folder": "/a", "hosts": "x"}, "explain_activation": {}}


@pytest.fixture(scope="module")
def known() -> Iterator[SimulatedSite]:
    with SimulatedSite(hosts=3) as site:
        yield site


@pytest.mark.parametrize("field", ["allow", "deny"])
@pytest.mark.parametrize("pattern", ["hosts_delet", "HOSTS_*", "delete*", "", "hosts.*"])
def test_a_pattern_that_matches_no_tool_is_refused(field: str, pattern: str) -> None:
    with pytest.raises(SettingsError, match="no tool matches") as caught:
        Policy(**{field: ("hosts_get", pattern)})  # type: ignore[arg-type]
    assert caught.value.field == field


def test_the_command_line_refuses_such_patterns_before_serving(
    site_for_cli: SimulatedSite, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["mcp", "--deny", "hosts_delet"]) == 2
    assert "no tool matches 'hosts_delet'; did you mean 'hosts_delete'" in capsys.readouterr().err


def _named(client_text: str) -> set[str]:
    return set(re.findall(r"\b[a-z]+(?:_[a-z]+)+\b|(?<=[Cc]all )[a-z]+\b", client_text)) & TOOLS


async def _prompts(client: Client) -> set[str]:
    return {prompt.name for prompt in (await client.list_prompts()).prompts}


def test_prompts_declare_all_tools_they_name(known: SimulatedSite) -> None:
    async def script(client: Client) -> Any:
        return {
            name: _named((await client.get_prompt(name, arguments)).messages[0].content.text)  # type: ignore[union-attr]
            for name, arguments in ARGUMENTS.items()
        }

    assert run_client(known, script, allow_writes=True) == {prompt.__name__: set(tools) for prompt, tools in PROMPTS}


@pytest.mark.parametrize(("prompt", "tool"), [(prompt.__name__, t) for prompt, tools in PROMPTS for t in sorted(tools)])
def test_a_prompt_is_offered_only_with_all_its_tools(known: SimulatedSite, prompt: str, tool: str) -> None:
    async def script(client: Client) -> None:
        assert prompt not in await _prompts(client)
        with pytest.raises(MCPError):
            await client.get_prompt(prompt, ARGUMENTS[prompt])

    run_client(known, script, allow_writes=True, deny=(tool,))


def _completed(site: SimulatedSite, ref: Any, name: str, typed: str, **policy: Any) -> list[str]:
    async def script(client: Client) -> Any:
        return (await client.complete(ref, {"name": name, "value": typed})).completion.values

    names: list[str] = run_client(site, script, **policy)
    return names


def test_completions_exist_only_for_offered_tools(known: SimulatedSite) -> None:
    host = ResourceTemplateReference(type="ref/resource", uri="checkmk://hosts/{name}")
    other = ResourceTemplateReference(type="ref/resource", uri="checkmk://nothing/{name}")
    triage = PromptReference(type="ref/prompt", name="triage_host")
    onboard = PromptReference(type="ref/prompt", name="onboard_hosts")
    names = ["host00000", "host00001", "host00002"]
    assert _completed(known, host, "name", "h") == names
    assert _completed(known, other, "name", "h") == []
    assert _completed(known, triage, "host", "h") == names
    for tool in ("hosts_get", "hosts_status"):
        assert _completed(known, host, "name", "h", deny=(tool,)) == []
        assert _completed(known, triage, "host", "h", deny=(tool,)) == []
    assert _completed(known, triage, "host", "h", deny=("services_list",)) == []
    assert _completed(known, host, "name", "h", deny=("services_list",)) == names
    assert _completed(known, onboard, "folder", "/", allow_writes=True) == ["/"]
    assert _completed(known, onboard, "folder", "/") == []
    assert _completed(known, onboard, "folder", "/", allow_writes=True, deny=("folders_list",)) == []
