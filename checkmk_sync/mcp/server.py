"""The MCP server for one site, with tools, resources and prompts, over stdio or HTTP."""

from __future__ import annotations

import contextlib
import logging
import sys
from pathlib import Path
from typing import Any, Callable, Iterator, Optional

from mcp.server.auth.provider import TokenVerifier
from mcp.server.auth.settings import AuthSettings
from mcp.server.mcpserver import MCPServer
from pydantic import AnyHttpUrl

from .. import __version__
from ..client.checkmk import Checkmk
from ..commands import COMMANDS
from ..config.settings import Settings
from ..sync import load_map
from .audit import AuditLog
from .calls import ToolRunner
from .capacity import session_middleware
from .policy import Policy
from .prompts import add_prompts, prompt_error
from .resources import add_completions, add_resources
from .shutdown import Shutdown
from .tools import make_tool

INSTRUCTIONS = Path(__file__).with_name("instructions.md").read_text("utf-8")


def serve(
    settings: Settings,
    policy: Policy,
    *,
    audit_log: Optional[str] = None,
    listen: Optional[dict[str, Any]] = None,
    ready: Callable[[str], object] = lambda _url: None,
) -> None:
    """Serve a site over stdio until the client disconnects, or over HTTP until a signal arrives.

    ``listen`` selects HTTP. It contains the fields of a ``Listener``, with ``token_file`` in place of ``token``.
    ``ready`` is called with the URL of the HTTP server. Raises SettingsError for invalid settings and InventoryError
    for mistakes in the mapping file, both before the server starts.
    """
    if settings.sync.map is not None:
        load_map(settings.sync.map)  # only to report its mistakes now
    listener = None
    if listen is not None:
        from .http import Listener, read_token, serve_http  # not loaded for stdio

        fields = {name: value for name, value in listen.items() if name != "token_file"}
        listener = Listener(**fields, token=read_token(listen["token_file"]), writes=policy.allow_writes)
    audit = AuditLog(settings, audit_log)
    with contextlib.closing(audit), Checkmk.from_settings(settings) as client:
        runner = ToolRunner(client, policy, audit)
        shutdown = Shutdown(runner, audit)
        with shutdown.handling_signals():
            try:
                if listener is None:
                    _serve_stdio(build_server(runner))
                else:
                    server = build_server(runner, listener.token_verifier)
                    serve_http(server, listener, shutdown, ready)
            finally:
                # A cancelled call finishes its current write, so the log must stay open until the outcome is recorded.
                runner.drain(settings.timeouts.total_s)


def build_server(runner: ToolRunner, token_verifier: Optional[TokenVerifier] = None) -> MCPServer[Any]:
    """Return an MCP server for the runner's site, with the tools that its policy allows."""
    commands = {command.tool_name: command for command in COMMANDS if runner.policy.shows(command)}
    # The SDK requires an issuer, but does not publish it without a resource server URL.
    auth = AuthSettings(issuer_url=AnyHttpUrl("http://localhost"), resource_server_url=None)
    with _root_logger_unchanged():
        server = _Server(
            "checkmk_sync",
            title="Checkmk",
            instructions=INSTRUCTIONS,
            version=__version__,
            middleware=[session_middleware],
            tools=[make_tool(command, runner) for command in commands.values()],
            token_verifier=token_verifier,
            auth=None if token_verifier is None else auth,
        )
    add_resources(server, runner, commands)
    prompts = add_prompts(server, commands)
    add_completions(server, runner, commands, prompts)
    return server


class _Server(MCPServer[Any]):
    """An MCP server that reports an invalid prompt request as the client's mistake.

    The SDK reports it as a failure of the server, and gives newer clients no reason.
    """

    async def get_prompt(self, name: str, arguments: Optional[dict[str, Any]] = None, context: Any = None) -> Any:
        try:
            return await super().get_prompt(name, arguments, context)
        except ValueError as error:
            raise prompt_error(error) from None


@contextlib.contextmanager
def _root_logger_unchanged() -> Iterator[None]:
    """Keep the SDK from adding a handler to a root logger without handlers."""
    root, handler = logging.getLogger(), logging.NullHandler()
    level = root.level
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)
        root.setLevel(level)


def _serve_stdio(server: MCPServer[Any]) -> None:
    # Python 3.13 and later call this hook if a stream cannot write its remaining data when it is destroyed. At exit,
    # this happens to the SDK's stream if the client has disconnected.
    hook = sys.unraisablehook
    sys.unraisablehook = lambda args: None if isinstance(args.exc_value, ConnectionError) else hook(args)
    try:
        # The command line replaces stdout with a guarded stream, but here stdout carries the protocol.
        with contextlib.redirect_stdout(sys.__stdout__):
            server.run("stdio")
    except Exception as error:
        if not _is_disconnect(error):
            raise


def _is_disconnect(error: BaseException) -> bool:
    """Return True if the client has disconnected, and nothing else failed. Many clients disconnect without notice."""
    errors = getattr(error, "exceptions", None)
    return all(map(_is_disconnect, errors)) if errors else isinstance(error, ConnectionError)
