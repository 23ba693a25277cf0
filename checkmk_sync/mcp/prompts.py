"""Prompts for common jobs. They name tools and the facts to check, and contain no data of the site."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Callable, Mapping

from mcp.server.mcpserver import MCPServer
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS
from pydantic import Field, ValidationError

from ..catalogue.paths import folder_path, host_name
from ..commands import Command
from .error_texts import validation_problems
from .untrusted import one_line, quoted

MAX_LIST, MAX_MESSAGE = 20_000, 800  # characters

_Host = Annotated[str, Field(description="Host name, for example web01.", max_length=240)]
_Folder = Annotated[str, Field(description="Folder for the new hosts, for example /linux/web.", max_length=1000)]
_List = Annotated[
    str, Field(description="The hosts, one per line: name, address and other known facts.", max_length=MAX_LIST)
]


def _text(prompt: str, **values: str) -> str:
    """Return the text of a prompt from the Markdown file with its name."""
    return Path(__file__).with_name(f"{prompt}.md").read_text("utf-8").format(**values).rstrip()


def triage_host(host: _Host) -> str:
    """Find the cause of a host's problems, and the first step to solve them."""
    return _text("triage_host", name=host_name(host))


def onboard_hosts(folder: _Folder, hosts: _List) -> str:
    """Add the hosts of a list to the monitoring."""
    return _text("onboard_hosts", target=folder_path(folder), hosts=quoted(hosts, MAX_LIST))


def explain_activation() -> str:
    """Explain the effect of activating the pending changes."""
    return _text("explain_activation")


# Each prompt with the tools that it names.
_CREATING = ("folders_get", "folders_create", "stream_hosts", "batch_create_hosts", "discover_services")
PROMPTS: tuple[tuple[Callable[..., str], frozenset[str]], ...] = (
    (triage_host, frozenset({"hosts_status", "problems", "services_list", "hosts_get"})),
    (onboard_hosts, frozenset({*_CREATING, "pending_changes", "activate_changes", "problems"})),
    (explain_activation, frozenset({"pending_changes", "hosts_get", "folders_get"})),
)


def prompt_error(error: ValueError) -> MCPError:
    """Return an MCP error for an invalid prompt request. Raises ``error`` itself if it is a failure of the server."""
    cause: BaseException = error
    while cause.__cause__ is not None:
        cause = cause.__cause__
    if isinstance(cause, ValidationError):
        message = "; ".join(f"{location}: {problem}" for location, problem in validation_problems(cause))
    elif isinstance(cause, ValueError):
        message = str(cause)
    else:
        raise error
    return MCPError(INVALID_PARAMS, f"The prompt request is not valid: {one_line(message, MAX_MESSAGE)}")


def add_prompts(server: MCPServer[Any], commands: Mapping[str, Command]) -> frozenset[str]:
    """Add the prompts whose tools are all offered, and return their names."""
    prompts = [prompt for prompt, tools in PROMPTS if tools <= set(commands)]
    for prompt in prompts:
        server.prompt()(prompt)
    return frozenset(prompt.__name__ for prompt in prompts)
