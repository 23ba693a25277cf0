"""Resources, which clients read without calling a tool, and completion of names in resources and prompts."""

from __future__ import annotations

import contextlib
import functools
import itertools
import json
import logging
from typing import Any, Callable, Iterator, Mapping, Optional

import anyio
from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ResourceError, ToolError
from mcp_types import Completion, CompletionArgument, CompletionContext, PromptReference, ResourceTemplateReference

from ..catalogue.field import Field
from ..catalogue.noun import Noun
from ..client.checkmk import Checkmk
from ..commands import Command
from ..commands.configuration import COMMANDS, KINDS
from ..errors import CheckmkError
from .calls import ToolRunner
from .capacity import WorkKind
from .policy import Policy
from .results import DEFAULT_PAGE, MAX_PAGE
from .untrusted import delimit, one_line, quoted

log = logging.getLogger("checkmk_sync")

LISTS = {"checkmk://stream/hosts": "stream_hosts", "checkmk://stream/services": "services_list"}
OBJECTS = {"checkmk://metrics/server": "get_server_metrics", "checkmk://cache/stats": "cache_stats"}
HOST, KIND_URI = "checkmk://hosts/{name}", "checkmk://kinds/{kind}"
_TYPE_NAMES = {str: "string", int: "integer", bool: "boolean", list: "list", dict: "object"}
_TEXT = "text/plain"  # JSON between delimiters


def add_resources(server: MCPServer[Any], runner: ToolRunner, commands: Mapping[str, Command]) -> None:
    """Add the resources whose tools are offered."""
    for uri, tool in LISTS.items():
        if tool in commands:
            _add_list(server, runner, uri, commands[tool])
    for uri, tool in OBJECTS.items():
        if tool in commands:
            read = functools.partial(_read, runner, commands[tool], {})
            server.resource(uri, name=tool, description=commands[tool].help, mime_type=_TEXT)(read)
    if "hosts_get" in commands:
        command = commands["hosts_get"]

        @server.resource(HOST, name="host", description=command.help, mime_type=_TEXT)
        async def host(name: str) -> str:
            return await _read(runner, command, {"host": name, "effective": False})

    kinds = _kinds(runner.policy, commands)
    if kinds:
        about = "The fields of a kind of object, for the configuration tools."

        @server.resource(KIND_URI, name="kind", description=about, mime_type="application/json")
        async def kind(kind: str) -> str:
            if kind not in kinds:
                raise ResourceError(f"unknown kind {quoted(kind)}; the kinds are: {', '.join(kinds)}")
            return json.dumps(describe_kind(KINDS[kind]))


def _kinds(policy: Policy, commands: Mapping[str, Command]) -> list[str]:
    """Return the kinds that the offered configuration tools accept."""
    offered = [command for command in COMMANDS if command.tool_name in commands]
    accepted = {kind for command in offered for kind in policy.choices(command, command.arguments[0])}
    return sorted(accepted)


def describe_kind(noun: Noun) -> dict[str, Any]:
    """Return the fields of a kind of object as plain data."""
    return {
        "kind": noun.name,
        "description": (noun.record.__doc__ or "").strip(),
        "fields": [_describe_field(field) for field in noun.fields],
    }


def _describe_field(field: Field) -> dict[str, Any]:
    if field.secret:
        return {"name": field.name, "description": f"{field.description} It cannot be set or read by a tool."}
    facts = {
        "name": field.name,
        "description": field.description,
        "type": _TYPE_NAMES.get(field.type, "any JSON value"),
        "required_to_create": field.required,
        "pattern": field.pattern,
        "choices": list(field.choices),
        "refers_to": field.refers_to,
        "first_version": field.since,
        "first_version_without_it": field.until,
        "editions": sorted(field.editions or ()),
        "example": field.example,
    }
    return {name: value for name, value in facts.items() if value not in ("", None, [])}


def _add_list(server: MCPServer[Any], runner: ToolRunner, uri: str, command: Command) -> None:
    """Add a resource for the first page of a list, and a template for all pages."""
    defaults = {
        argument.name: ({} if argument.kind == "pairs" else []) if argument.many else argument.default
        for argument in command.arguments
    }

    async def page(batch_size: int = DEFAULT_PAGE, cursor: Optional[str] = None) -> str:
        if not 1 <= batch_size <= MAX_PAGE:
            raise ResourceError(f"batch_size must be a number from 1 to {MAX_PAGE}")
        return await _read(runner, command, {**defaults, "limit": batch_size, "cursor": cursor})

    async def first_page() -> str:
        return await page()

    name = uri.rpartition("/")[2]
    about = f"{command.help} Pages of batch_size items (default {DEFAULT_PAGE}); next_cursor is the next page's cursor."
    server.resource(uri, name=name, description=f"First page: {about}", mime_type=_TEXT)(first_page)
    template = f"{uri}{{?batch_size,cursor}}"
    server.resource(template, name=f"{name}_pages", description=about, mime_type=_TEXT)(page)


async def _read(runner: ToolRunner, command: Command, arguments: Mapping[str, Any]) -> str:
    try:
        return delimit(await runner.read(command, arguments))
    except ToolError as error:
        raise ResourceError(str(error)) from error


MAX_COMPLETIONS = 100  # the limit of the protocol
MAX_TYPED = 240
COMPLETION_S = 5.0  # seconds; a slower completion comes too late while a person types
_WILDCARDS = frozenset("*?[]\\")


def _host_names(client: Checkmk, typed: str) -> Iterator[str]:
    # From the monitoring core, which answers immediately. The configuration would have to be read completely.
    return (host.name for host in client.host_status.each(search=f"{typed}*"))


def _folder_paths(client: Checkmk, typed: str) -> Iterator[str]:
    return (folder.path for folder in client.folders.each() if folder.path.startswith(typed))


# For each argument name in a prompt or resource: the tool that shows the same names, and the source of the names.
_SOURCES: Mapping[str, tuple[str, Callable[[Checkmk, str], Iterator[str]]]] = {
    "host": ("hosts_status", _host_names),
    "name": ("hosts_status", _host_names),
    "folder": ("folders_list", _folder_paths),
}


def add_completions(
    server: MCPServer[Any], runner: ToolRunner, commands: Mapping[str, Command], prompts: frozenset[str]
) -> None:
    """Add completion of host and folder names in ``prompts`` and resources, if a tool shows the same names.

    Kinds of objects are completed as well.
    """

    def complete_name(argument: str, typed: str) -> list[str]:
        tool, source = _SOURCES.get(argument, ("", None))
        if source is None or tool not in commands or len(typed) > MAX_TYPED or set(typed) & _WILDCARDS:
            return []
        try:
            return sorted(map(one_line, itertools.islice(source(runner.client, typed), MAX_COMPLETIONS + 1)))
        except CheckmkError as error:  # while a person types, an empty list is more useful than an error
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
        elif ref.uri == KIND_URI:
            kinds = [kind for kind in _kinds(runner.policy, commands) if kind.startswith(argument.value)]
            return Completion(values=kinds, has_more=False)
        else:
            is_offered = ref.uri == HOST and "hosts_get" in commands
        names: list[str] = []
        if is_offered:
            with anyio.move_on_after(COMPLETION_S), contextlib.suppress(ToolError):
                names = await runner.in_thread(
                    WorkKind.COMPLETION, lambda: complete_name(argument.name, argument.value)
                )
        return Completion(values=names[:MAX_COMPLETIONS], has_more=len(names) > MAX_COMPLETIONS)
