"""The command ``checkmk-sync mcp``."""

from __future__ import annotations

from typing import Any, Optional

import click
from click.core import ParameterSource

from ..errors import SettingsError
from .logs import log_audit_to_stderr, log_sdk_failures_to_stderr
from .options import State

_HTTP_OPTIONS = ("host", "port", "token_file", "behind_tls", "name")


def mcp(state: State, *, http: bool, audit_log: Optional[str], **options: Any) -> None:
    from ..mcp import serve
    from ..mcp.policy import Policy

    state.start_logging()
    log_sdk_failures_to_stderr(with_traceback=state.verbose > 0)
    if audit_log is None:
        log_audit_to_stderr()
    listen = {name: options.pop(name) for name in _HTTP_OPTIONS}
    listen["names"] = listen.pop("name")
    if not http:
        _refuse_http_options()

    def ready(url: str) -> None:
        state.output.note(f"Serving MCP at {url}")

    settings = state.settings()
    policy = Policy(**options, encoding=settings.sync.encoding)
    serve(settings, policy, audit_log=audit_log, listen=listen if http else None, ready=ready)


def _refuse_http_options() -> None:
    """Refuse the HTTP options without --http, because the user would believe that they take effect."""
    for name in _HTTP_OPTIONS:
        if click.get_current_context().get_parameter_source(name) is not ParameterSource.DEFAULT:
            option = name.replace("_", "-")
            raise SettingsError(f"--{option} applies only to HTTP; give --http as well", field=option)
