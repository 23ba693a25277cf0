"""A person's word before something is destroyed: what exactly was shown, and whether it is still so."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import time
from collections import OrderedDict
from typing import Any, Mapping, Optional

import anyio
from mcp.server.elicitation import AcceptedElicitation
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp.shared.exceptions import MCPError
from mcp_types import ElicitRequest, ElicitRequestFormParams, ElicitResult, InputRequiredResult
from mcp_types.version import is_version_at_least
from pydantic import BaseModel, ConfigDict, Field

from ..commands import Preview, as_arguments
from .untrusted import unbroken

__all__ = ["CHANGED", "NO_PREVIEW", "Shown", "asked", "can_ask", "preview", "seal"]

CHANGED = "Nothing was done: what was approved is not what would be done any more. Call again to see it as it is now."
NO_PREVIEW = (
    "Nothing was done: this is no checksum of a preview, or it was used already, or is older than ten minutes. Call "
    "without checksum first, and give back what that shows. The checksum of a plan is another one."
)
_DECLINED = "Nothing was done: the person who was asked did not agree. Do not try again unless asked to."
_TOO_LATE = "Nothing was done: nobody answered in time. Call again when somebody is there to be asked."
# From this revision on a question is a result, and the call comes again with the answer.
_BY_RESULT = "2026-07-28"
LONGEST = 30_000  # characters of a question: what a person may still look through
_KEY = secrets.token_bytes(32)  # so that nobody can find a secret of an inventory by trying, or make a checksum up
_QUESTION = "consent"
_ANSWERED = "Nothing was done: that question was answered already, or too long ago. Call again to be asked anew."


class Shown:
    """What was shown and waits for an approval, which serves once and not for long."""

    LONGEST_S = 600.0
    MOST = 1000

    def __init__(self) -> None:
        self._until: OrderedDict[str, float] = OrderedDict()

    def add(self, sealed: str) -> None:
        """It was shown now."""
        self._until[sealed] = time.monotonic() + self.LONGEST_S
        self._until.move_to_end(sealed)
        while len(self._until) > self.MOST:
            self._until.popitem(last=False)

    def holds(self, sealed: str) -> bool:
        """Whether it was shown, not long ago, and was not approved since."""
        return self._until.get(sealed, 0.0) >= time.monotonic()

    def take(self, sealed: str, otherwise: str) -> None:
        """It was approved. ToolError that says ``otherwise`` unless it could be."""
        is_open = self.holds(sealed)
        self._until.pop(sealed, None)
        if not is_open:
            raise ToolError(otherwise)


class _Word(BaseModel):
    """What is asked for; a text that could be taken for a yes is none."""

    model_config = ConfigDict(strict=True)

    approve: bool = Field(description="Do it?")


def seal(tool: str, arguments: Mapping[str, Any], facts: Any) -> str:
    """Names what was shown, of which call."""
    text = json.dumps([tool, arguments, facts], sort_keys=True, default=str)
    return hmac.new(_KEY, text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()[:16]


def preview(intent: Preview) -> list[str]:
    """What would be done, line by line, harmless to show and all of it. ToolError when that is too much: nobody can
    agree to what is left out."""
    lines = [*map(unbroken, (as_arguments(intent.summary), *intent.details))]
    length = sum(map(len, lines))
    if length > LONGEST:
        raise ToolError(
            f"Nothing was done: it takes {length} characters to show a person all that would be, more than {LONGEST}. "
            f"{intent.too_long}"
        )
    return lines


def can_ask(ctx: Context[Any, Any]) -> bool:
    """True when the client can put a question to a person."""
    capabilities = ctx.client_capabilities
    asking = capabilities.elicitation if capabilities is not None else None
    return asking is not None and (asking.form is not None or asking.url is None)


async def asked(ctx: Context[Any, Any], intent: Preview, sealed: str, shown: Shown) -> Optional[InputRequiredResult]:
    """None when a person has approved what is sealed; a question to answer with where the protocol wants that.

    ToolError when the person did not approve, or approved something else.
    """
    message = "\n".join(preview(intent))
    if ctx.protocol_version is not None and is_version_at_least(ctx.protocol_version, _BY_RESULT):
        return _by_result(ctx, message, sealed, shown)
    try:
        with anyio.fail_after(Shown.LONGEST_S):
            answer = await ctx.elicit(message, _Word)
    except TimeoutError:
        raise ToolError(_TOO_LATE) from None
    except (MCPError, ValueError):
        raise ToolError(f"{_DECLINED} (There was no valid answer.)") from None
    if not (isinstance(answer, AcceptedElicitation) and answer.data.approve):
        raise ToolError(_DECLINED)
    return None


def _by_result(ctx: Context[Any, Any], message: str, sealed: str, shown: Shown) -> Optional[InputRequiredResult]:
    if ctx.input_responses is None:
        schema = _Word.model_json_schema()
        shown.add(sealed)
        question = ElicitRequest(params=ElicitRequestFormParams(message=message, requested_schema=schema))
        return InputRequiredResult(input_requests={_QUESTION: question}, request_state=sealed)
    # The SDK seals the state and binds it to this very request, so it is what was shown.
    if not hmac.compare_digest((ctx.request_state or "").encode(), sealed.encode()):
        raise ToolError(CHANGED)
    shown.take(sealed, _ANSWERED)
    answer = ctx.input_responses.get(_QUESTION)
    content = answer.content if isinstance(answer, ElicitResult) and answer.action == "accept" else None
    if not content or content.get("approve") is not True:
        raise ToolError(_DECLINED)
    return None
