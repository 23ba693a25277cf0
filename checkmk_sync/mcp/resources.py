"""What can be read without calling a tool; the same rows of the table of verbs."""

from __future__ import annotations

from typing import Any, Mapping, Optional

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ResourceError, ToolError
from mcp.server.mcpserver.resources import ResourceSecurity

from ..commands import Command
from .calls import Caller
from .paging import DEFAULT_PAGE, LARGEST_PAGE
from .untrusted import fenced

__all__ = ["ONE_HOST", "PAGED", "WHOLE", "add_resources"]

PAGED = {"checkmk://stream/hosts": "stream_hosts", "checkmk://stream/services": "services_list"}
WHOLE = {"checkmk://metrics/server": "get_server_metrics", "checkmk://cache/stats": "cache_stats"}
ONE_HOST = "checkmk://hosts/{name}"
_PAGE = "{?batch_size,cursor}"
_TEXT = "text/plain"  # JSON, but fenced


def add_resources(server: MCPServer[Any], caller: Caller, verbs: Mapping[str, Command]) -> None:
    """Add those whose tool is shown as well."""
    for uri, tool in PAGED.items():
        if tool in verbs:
            _add_pages(server, caller, uri, verbs[tool])
    for uri, tool in WHOLE.items():
        if tool in verbs:
            _add_whole(server, caller, uri, verbs[tool])
    if "hosts_get" in verbs:
        _add_host(server, caller, verbs["hosts_get"])


def _add_pages(server: MCPServer[Any], caller: Caller, uri: str, verb: Command) -> None:
    async def page(batch_size: int = DEFAULT_PAGE, cursor: Optional[str] = None) -> str:
        if not 1 <= batch_size <= LARGEST_PAGE:
            raise ResourceError(f"batch_size is a number from 1 to {LARGEST_PAGE}")
        return await _read(caller, verb, {**_defaults(verb), "limit": batch_size, "cursor": cursor})

    async def first() -> str:
        return await page()

    name = uri.rpartition("/")[2]
    about = f"{verb.help} Pages of batch_size items (default {DEFAULT_PAGE}); next_cursor is the cursor of the next."
    server.resource(uri, name=name, description=f"The first page. {about}", mime_type=_TEXT)(first)
    # A cursor may look like a path; it is checked where it is read.
    security = ResourceSecurity(exempt_params={"cursor"})
    server.resource(uri + _PAGE, name=f"{name}_pages", description=about, mime_type=_TEXT, security=security)(page)


def _add_whole(server: MCPServer[Any], caller: Caller, uri: str, verb: Command) -> None:
    async def whole() -> str:
        return await _read(caller, verb, {})

    server.resource(uri, name=verb.tool_name, description=verb.help, mime_type=_TEXT)(whole)


def _add_host(server: MCPServer[Any], caller: Caller, verb: Command) -> None:
    async def host(name: str) -> str:
        return await _read(caller, verb, {"host": name, "effective": False})

    server.resource(ONE_HOST, name="host", description=verb.help, mime_type=_TEXT)(host)


def _defaults(verb: Command) -> dict[str, Any]:
    return {found.name: [] if found.many else found.default for found in verb.arguments if found.name != "limit"}


async def _read(caller: Caller, verb: Command, given: Mapping[str, Any]) -> str:
    try:
        return fenced(await caller.read(verb, given))
    except ToolError as error:
        raise ResourceError(str(error)) from error
