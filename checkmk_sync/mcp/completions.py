"""Names of hosts and folders, while somebody types them."""

from __future__ import annotations

import contextlib
import itertools
import logging
from typing import Any, Callable, Iterator, Mapping, Optional

import anyio
from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import Completion, CompletionArgument, CompletionContext, PromptReference, ResourceTemplateReference

from ..client.checkmk import Checkmk
from ..commands import Command
from ..errors import CheckmkError
from .calls import Caller
from .capacity import WorkKind
from .resources import ONE_HOST
from .untrusted import line

__all__ = ["add_completions"]

log = logging.getLogger("checkmk_sync")

MOST = 100  # the protocol's own limit
MAX_TYPED = 240
LONGEST_S = 5.0  # later nobody looks at them any more
_SPECIAL = frozenset("*?[]\\")


def _hosts(client: Checkmk, typed: str) -> Iterator[str]:
    # Asked of the core, which answers at once; the configuration would have to be read as a whole.
    return (host.name for host in client.host_status.each(search=f"{typed}*"))


def _folders(client: Checkmk, typed: str) -> Iterator[str]:
    return (folder.path for folder in client.folders.each() if folder.path.startswith(typed))


# By the name of the argument, of whichever prompt or resource, with the tool that shows the same.
_SOURCES: Mapping[str, tuple[str, Callable[[Checkmk, str], Iterator[str]]]] = {
    "host": ("hosts_status", _hosts),
    "name": ("hosts_status", _hosts),
    "folder": ("folders_list", _folders),
}


def add_completions(
    server: MCPServer[Any], caller: Caller, verbs: Mapping[str, Command], prompts: frozenset[str]
) -> None:
    """Complete names, as far as tools show them, for the ``prompts`` and resources that there are."""

    def is_offered(ref: PromptReference | ResourceTemplateReference) -> bool:
        if isinstance(ref, PromptReference):
            return ref.name in prompts
        return ref.uri == ONE_HOST and "hosts_get" in verbs

    def values(argument: str, typed: str) -> list[str]:
        tool, source = _SOURCES.get(argument, ("", None))
        if source is None or tool not in verbs or len(typed) > MAX_TYPED or set(typed) & _SPECIAL:
            return []
        try:
            return sorted(map(line, itertools.islice(source(caller.client, typed), MOST + 1)))
        except CheckmkError as error:  # somebody is typing: no names is the best answer then
            log.debug("cannot complete %s: %s", argument, error)
            return []

    @server.completion()  # type: ignore[no-untyped-call, untyped-decorator]
    async def complete(
        ref: PromptReference | ResourceTemplateReference,
        argument: CompletionArgument,
        _context: Optional[CompletionContext],
    ) -> Completion:
        found: list[str] = []
        if is_offered(ref):
            with anyio.move_on_after(LONGEST_S), contextlib.suppress(ToolError):
                found = await caller.work(WorkKind.COMPLETION, lambda: values(argument.name, argument.value))
        return Completion(values=found[:MOST], has_more=len(found) > MOST)
