"""The report of an error that ended a command."""

from __future__ import annotations

from ..client.outcomes import Status
from ..errors import CheckmkError, TransportError
from .exit_codes import UNKNOWN
from .options import State, as_options
from .outcome import exit_code, failed_status

__all__ = ["report_error"]


def report_error(state: State, error: CheckmkError) -> int:
    """Print an error that ended a command; return the exit code."""
    message, facts = as_options(str(error)), error.to_dict()
    if isinstance(error, TransportError):
        facts["server_url"] = state.server_url
        message += f"; the server is {state.server_url}"
    if state.write is not None:
        message, facts = state.write.failure(error, message), {**facts, **state.write.facts(error)}
    state.output.error(message, facts)
    return UNKNOWN if state.write is not None and failed_status(error) is Status.UNKNOWN else exit_code(error)
