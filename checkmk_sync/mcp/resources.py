"""Resources, which clients read without calling a tool, and completion of the names in them and in prompts."""

from __future__ import annotations

import contextlib
import functools
import itertools
import logging
from typing import Any, Callable, Iterator, Mapping, Optional

import anyio
from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ResourceError, ToolError
from mcp.server.mcpserver.resources import ResourceSecurity
from mcp_types import Completion, CompletionArgument, CompletionContext, PromptReference, ResourceTemplateReference

from ..client.checkmk import Checkmk
from ..commands import Command
from ..errors import CheckmkError
from .calls import ToolRunner
from .capacity import WorkKind
from .results import DEFAULT_PAGE, MAX_PAGE
from .untrusted import delimit, one_line

__all__ = ["add_completions", "add_resources"]

log = logging.getLogger("checkmk_sync")

LISTS = {"checkmk://stream/hosts": "stream_hosts", "checkmk://stream/services": "services_list"}
HOST = "checkmk://hosts/{name}"
_TEXT = "text/plain"  # JSON between delimiters


def add_resources(server: MCPServer[Any], runner: ToolRunner, commands: Mapping[str, Command]) -> None:
    """Add the resources whose tool is offered as well."""

    async def read(tool: str, **arguments: Any) -> str:
        try:
            return delimit(await runner.read(commands[tool], arguments))
        except ToolError as error:
            raise ResourceError(str(error)) from error

    def add_list(uri: str, tool: str) -> None:
        command, name = commands[tool], uri.rpartition("/")[2]
        defaults = {argument.name: [] if argument.many else argument.default for argument in command.arguments}

        async def page(batch_size: int = DEFAULT_PAGE, cursor: Optional[str] = None) -> str:
            if not 1 <= batch_size <= MAX_PAGE:
                raise ResourceError(f"batch_size is a number from 1 to {MAX_PAGE}")
            return await read(tool, **{**defaults, "limit": batch_size, "cursor": cursor})

        async def first_page() -> str:
            return await page()

        paging = f"Pages of batch_size items (default {DEFAULT_PAGE}); next_cursor is the cursor of the next."
        about = f"{command.help} {paging}"
        add = functools.partial(server.resource, mime_type=_TEXT)
        add(uri, name=name, description=f"The first page. {about}")(first_page)
        # A cursor may look like a path; decode_cursor checks it.
        security = ResourceSecurity(exempt_params={"cursor"})
        add(f"{uri}{{?batch_size,cursor}}", name=f"{name}_pages", description=about, security=security)(page)

    async def server_metrics() -> str:
        return await read("get_server_metrics")

    async def cache_stats() -> str:
        return await read("cache_stats")

    async def host(name: str) -> str:
        return await read("hosts_get", host=name, effective=False)

    for uri, tool in LISTS.items():
        if tool in commands:
            add_list(uri, tool)
    for uri, tool, name, function in (
        ("checkmk://metrics/server", "get_server_metrics", "get_server_metrics", server_metrics),
        ("checkmk://cache/stats", "cache_stats", "cache_stats", cache_stats),
        (HOST, "hosts_get", "host", host),
    ):
        if tool in commands:
            server.resource(uri, name=name, description=commands[tool].help, mime_type=_TEXT)(function)


MAX_COMPLETIONS = 100  # the protocol's own limit
MAX_TYPED = 240
COMPLETION_S = 5.0  # nobody looks at later ones
_WILDCARDS = frozenset("*?[]\\")


def _host_names(client: Checkmk, typed: str) -> Iterator[str]:
    # From the monitoring core, which answers at once; the configuration would have to be read as a whole.
    return (host.name for host in client.host_status.each(search=f"{typed}*"))


def _folder_paths(client: Checkmk, typed: str) -> Iterator[str]:
    return (folder.path for folder in client.folders.each() if folder.path.startswith(typed))


# By the name of the argument in a prompt or resource, with the tool that shows the same names.
_SOURCES: Mapping[str, tuple[str, Callable[[Checkmk, str], Iterator[str]]]] = {
    "host": ("hosts_status", _host_names),
    "name": ("hosts_status", _host_names),
    "folder": ("folders_list", _folder_paths),
}


def add_completions(
    server: MCPServer[Any], runner: ToolRunner, commands: Mapping[str, Command], prompts: frozenset[str]
) -> None:
    """Complete names of hosts and folders in ``prompts`` and resources, as far as tools show these names."""

    def complete_name(argument: str, typed: str) -> list[str]:
        tool, source = _SOURCES.get(argument, ("", None))
        if source is None or tool not in commands or len(typed) > MAX_TYPED or set(typed) & _WILDCARDS:
            return []
        try:
            return sorted(map(one_line, itertools.islice(source(runner.client, typed), MAX_COMPLETIONS + 1)))
        except CheckmkError as error:  # while somebody types, no names are more useful than an error
            log.debug("cannot complete %s: %s", argument, error)
            return []

    @server.completion()  # type: ignore[no-untyped-call, untyped-decorator]
    async def complete(
        ref: PromptReference | ResourceTemplateReference,
        argument: CompletionArgument,
        _context: Optional[CompletionContext],
    ) -> Completion:
        if isinstance(ref, PromptReference):
            is_offered = ref.name in prompts
        else:
            is_offered = ref.uri == HOST and "hosts_get" in commands
        names: list[str] = []
        if is_offered:
            with anyio.move_on_after(COMPLETION_S), contextlib.suppress(ToolError):
                names = await runner.in_thread(
                    WorkKind.COMPLETION, lambda: complete_name(argument.name, argument.value)
                )
        return Completion(values=names[:MAX_COMPLETIONS], has_more=len(names) > MAX_COMPLETIONS)
