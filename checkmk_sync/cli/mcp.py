"""``checkmk-sync mcp``."""

from __future__ import annotations

import logging
from typing import Any, Optional

import click
from click.core import ParameterSource

from ..errors import SettingsError
from .console import safe
from .options import OneLine, State, files, folders, shared_options

__all__ = ["mcp"]


@click.command(epilog="Example: checkmk-sync mcp --config config.yaml")
@click.option("--allow-writes", is_flag=True, help="Also offer tools that change the site.")
@click.option(
    "--confirm-by-checksum",
    is_flag=True,
    help="If the client cannot ask a person, accept the checksum of a preview as approval.",
)
@click.option("--allow", multiple=True, metavar="PATTERN", help="Only offer tools that match, such as 'hosts_*'.")
@click.option("--deny", multiple=True, metavar="PATTERN", help="Do not offer tools that match.")
@click.option(
    "--sync-folder", metavar="DIR", help="Folder from which inventory files may be read.", shell_complete=folders
)
@click.option(
    "--max-batch",
    type=click.IntRange(1, 10_000),
    default=500,
    show_default=True,
    help="Maximum number of objects in one call; files in --sync-folder may contain more.",
)
@click.option(
    "--audit-log",
    metavar="FILE",
    help="Log every write to this file as lines of JSON (default: stderr).",
    shell_complete=files,
)
@click.option("--http", is_flag=True, help="Serve over HTTP instead of stdio.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    default=8765,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="Port to listen on; 0 picks a free one.",
)
@click.option(
    "--token-file",
    metavar="FILE",
    help="File with the token for clients (or set CHECKMK_MCP_TOKEN).",
    shell_complete=files,
)
@click.option(
    "--behind-tls", is_flag=True, help="State that a proxy in front terminates TLS; required to serve other machines."
)
@click.option("--name", multiple=True, metavar="HOST", help="Host name that clients use, such as that of the proxy.")
@shared_options
@click.pass_context
def mcp(
    context: click.Context,
    /,
    http: bool,
    host: str,
    port: int,
    token_file: Optional[str],
    behind_tls: bool,
    name: tuple[str, ...],
    audit_log: Optional[str],
    **policy: Any,
) -> None:
    """Serve the site to language models over the Model Context Protocol. Read-only by default."""
    from ..mcp import serve
    from ..mcp.policy import Policy

    state: State = context.ensure_object(State)
    state.start_logging()
    _failures_on_stderr(is_whole=state.verbose > 0)
    if audit_log is None:
        _audit_on_stderr()
    listen = None
    if not http:
        _refuse_without_http(context)
    else:
        listen = dict(host=host, port=port, token_file=token_file, behind_tls=behind_tls, names=name)

    def ready(url: str) -> None:
        state.output.note(f"Serving MCP at {url}")

    settings = state.settings()
    serve(settings, Policy(**policy, encoding=settings.sync.encoding), audit_log=audit_log, listen=listen, ready=ready)


def _audit_on_stderr() -> None:
    """Clients keep what a server says there."""
    logger = logging.getLogger("checkmk_sync.mcp.audit")
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("audit %(message)s"))
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False


def _refuse_without_http(context: click.Context) -> None:
    """Who gives an option believes that it is in force."""
    for name in ("host", "port", "token_file", "behind_tls", "name"):
        if context.get_parameter_source(name) is not ParameterSource.DEFAULT:
            option = name.replace("_", "-")
            raise SettingsError(f"--{option} says how to serve over HTTP: it needs --http", field=option)


class _Failures(logging.Handler):
    """What goes wrong in the SDK, a line each, or whole."""

    def __init__(self, is_whole: bool) -> None:
        super().__init__(logging.WARNING)
        self._is_whole = is_whole
        self.setFormatter(OneLine())

    def emit(self, record: logging.LogRecord) -> None:
        if self._is_whole:
            click.echo(self.format(record), err=True)
            return
        error = record.exc_info[1] if record.exc_info else None
        while error is not None and error.__cause__ is not None:
            error = error.__cause__
        why = "" if error is None else f": {type(error).__name__}: {error} (all of it with -v)"
        click.echo(safe(f"{record.name}: {record.getMessage()}{why}"), err=True)


def _failures_on_stderr(is_whole: bool) -> None:
    logger = logging.getLogger("mcp")
    logger.handlers = [_Failures(is_whole)]
    logger.propagate = False
