"""Approval of writes: a person sees the exact effect of a write before it is done.

:func:`require_approval` is the entry point. If the client can ask a person, that person gets a question. Otherwise the
first call returns a preview with its fingerprint. A second call passes the fingerprint as ``checksum`` after a person
has approved the preview. If the facts of the preview have changed by the time of the write, nothing is done.
"""

from __future__ import annotations

import hmac
from typing import Any, Mapping, Optional

import anyio
from mcp.server.elicitation import AcceptedElicitation
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolResult, ElicitRequest, ElicitRequestFormParams, ElicitResult, InputRequiredResult
from mcp_types.version import is_version_at_least
from pydantic import BaseModel, ConfigDict, Field

from ..cache import LRUCache
from ..commands import Command, Preview, as_arguments
from ..core.text import escape_invisible
from .results import keyed_digest, tool_result

CHANGED = "Nothing was done: the arguments or the site have changed since the preview. Call again, without checksum."
_CANNOT_ASK = (
    "Nothing was done: this call needs a person's approval, and this client cannot ask for it. "
    "Tell the user that the operator can start the server with --confirm-by-checksum."
)
_UNKNOWN_CHECKSUM = (
    "Nothing was done: the checksum is unknown, already used, or older than ten minutes. Call without checksum, and "
    "pass the checksum of the preview that this returns. The checksum of a plan is not accepted here."
)
_DECLINED = "Nothing was done: no person approved this call. Do not try again unless the user asks for it."
_TOO_LATE = "Nothing was done: nobody answered within ten minutes. Call again when a person is there to answer."
_USED = "Nothing was done: the question was already answered, or is older than ten minutes. Call again for a new one."
# From this protocol version on, a server asks by returning a result. The client repeats the call with the answer.
_QUESTION_AS_RESULT = "2026-07-28"
_QUESTION = "approval"
LIFETIME_S = 600.0  # seconds in which a preview can be approved
MAX_PENDING = 1000  # previews
MAX_PREVIEW = 30_000  # characters that a person can be expected to read


async def require_approval(
    ctx: Context[Any, Any],
    command: Command,
    arguments: Mapping[str, Any],
    preview: Preview,
    pending: LRUCache,
    by_checksum: bool,
    checksum: Optional[str],
) -> Optional[CallToolResult | InputRequiredResult]:
    """Return None if a person has approved the preview, or else the result that asks for approval.

    Raises ToolError if the person declines or cannot be asked, if the preview is too long, or if the approval is for a
    different preview.
    """
    can_ask = _can_ask(ctx)
    if not can_ask and not by_checksum:
        raise ToolError(_CANNOT_ASK)
    lines = _lines(preview)
    # An approval covers one command, its arguments, and the facts on the site that the preview shows.
    fingerprint = keyed_digest(command.tool_name, arguments, preview.facts)
    if can_ask:
        if ctx.protocol_version is not None and is_version_at_least(ctx.protocol_version, _QUESTION_AS_RESULT):
            return _ask_by_result(ctx, "\n".join(lines), fingerprint, pending)
        await _ask_by_request(ctx, "\n".join(lines))
        return None
    if checksum is None:
        pending.set(fingerprint, True, LIFETIME_S)
        return tool_result({"done": False, "preview": lines, "checksum": fingerprint})
    if not hmac.compare_digest(checksum.encode(), fingerprint.encode()):
        raise ToolError(CHANGED if pending.get(checksum) else _UNKNOWN_CHECKSUM)
    _use_up(pending, fingerprint, _UNKNOWN_CHECKSUM)
    return None


def _use_up(pending: LRUCache, fingerprint: str, error: str) -> None:
    """Remove the fingerprint of a preview. Raises ToolError with the text ``error`` if it is not pending."""
    if not pending.get(fingerprint):
        raise ToolError(error)
    pending.delete(fingerprint)


def _lines(preview: Preview) -> list[str]:
    """Return all lines of the preview, with invisible characters escaped.

    Raises ToolError if it is too long for a person to read.
    """
    lines = [*map(escape_invisible, (as_arguments(preview.summary), *preview.details))]
    length = sum(map(len, lines))
    if length > MAX_PREVIEW:
        raise ToolError(
            f"Nothing was done: the preview has {length} characters, more than the {MAX_PREVIEW} that a person can "
            f"review. {preview.too_long}"
        )
    return lines


def _can_ask(ctx: Context[Any, Any]) -> bool:
    """Return True if the client can ask a person."""
    elicitation = ctx.client_capabilities.elicitation if ctx.client_capabilities is not None else None
    # A client that names neither form nor URL supports forms (MCP specification, elicitation).
    return elicitation is not None and (elicitation.form is not None or elicitation.url is None)


class _Answer(BaseModel):
    """The answer of a person to the preview."""

    # Strict, so that a string such as "yes" is not an approval.
    model_config = ConfigDict(strict=True)

    approve: bool = Field(description="Approve this call?")


async def _ask_by_request(ctx: Context[Any, Any], message: str) -> None:
    try:
        with anyio.fail_after(LIFETIME_S):
            answer = await ctx.elicit(message, _Answer)
    except TimeoutError:
        raise ToolError(_TOO_LATE) from None
    except (MCPError, ValueError):
        raise ToolError(f"{_DECLINED} (The client sent no valid answer.)") from None
    if not (isinstance(answer, AcceptedElicitation) and answer.data.approve):
        raise ToolError(_DECLINED)


def _ask_by_result(
    ctx: Context[Any, Any], message: str, fingerprint: str, pending: LRUCache
) -> Optional[InputRequiredResult]:
    if ctx.input_responses is None:
        pending.set(fingerprint, True, LIFETIME_S)
        form = ElicitRequestFormParams(message=message, requested_schema=_Answer.model_json_schema())
        return InputRequiredResult(input_requests={_QUESTION: ElicitRequest(params=form)}, request_state=fingerprint)
    # The SDK seals the state and binds it to this request, so it is the fingerprint of the preview that was shown.
    if not hmac.compare_digest((ctx.request_state or "").encode(), fingerprint.encode()):
        raise ToolError(CHANGED)
    _use_up(pending, fingerprint, _USED)
    answer = ctx.input_responses.get(_QUESTION)
    content = answer.content if isinstance(answer, ElicitResult) and answer.action == "accept" else None
    if not content or content.get("approve") is not True:
        raise ToolError(_DECLINED)
    return None
