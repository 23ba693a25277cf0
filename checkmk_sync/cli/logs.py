"""Logging to stderr, for ``-v`` and for the MCP server."""

from __future__ import annotations

import logging

import click

from .console import safe


class _OneLine(logging.Formatter):
    """A formatter that escapes line breaks in messages, because they may quote the site. Tracebacks keep theirs."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        return safe(super().formatMessage(record))


def log_to_stderr(*, every_request: bool) -> None:
    formatter = _OneLine("%(asctime)s %(levelname)s %(name)s: %(message)s")
    _add_handler("checkmk_sync", logging.DEBUG if every_request else logging.INFO, formatter)


def log_audit_to_stderr() -> None:
    """Log the writes of language models to stderr, because MCP clients keep the stderr of their servers."""
    _add_handler("checkmk_sync.mcp.audit", logging.INFO, logging.Formatter("audit %(message)s")).propagate = False


def _add_handler(name: str, level: int, formatter: logging.Formatter) -> logging.Logger:
    logger, handler = logging.getLogger(name), logging.StreamHandler()
    handler.setFormatter(formatter)
    logger.addHandler(handler)
    logger.setLevel(level)
    return logger


class _SdkFailures(logging.Handler):
    """A handler that prints failures of the MCP SDK on one line each, or with the traceback."""

    def __init__(self, with_traceback: bool) -> None:
        super().__init__(logging.WARNING)
        self._with_traceback = with_traceback
        self.setFormatter(_OneLine())

    def emit(self, record: logging.LogRecord) -> None:
        if self._with_traceback:
            click.echo(self.format(record), err=True)
            return
        error = record.exc_info[1] if record.exc_info else None
        # The SDK wraps exceptions, and only the innermost one names the problem.
        while error is not None and error.__cause__ is not None:
            error = error.__cause__
        reason = "" if error is None else f": {type(error).__name__}: {error} (-v shows the traceback)"
        click.echo(safe(f"{record.name}: {record.getMessage()}{reason}"), err=True)


def log_sdk_failures_to_stderr(*, with_traceback: bool) -> None:
    logger = logging.getLogger("mcp")
    logger.handlers = [_SdkFailures(with_traceback)]
    logger.propagate = False
