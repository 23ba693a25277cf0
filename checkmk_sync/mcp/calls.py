"""Doing what a tool is called for: check, ask, note, do, and answer with data."""

from __future__ import annotations

import hmac
import itertools
import json
import logging
import threading
from typing import Any, Callable, Iterator, Mapping, Optional

import anyio
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import CallToolResult, InputRequiredResult, TextContent

from ..client import Checkmk
from ..errors import CheckmkError
from ..verbs import Intent, Verb, as_arguments
from . import consent
from .advice import explained
from .audit import Audit
from .fence import cleaned, fenced, quoted
from .intake import checked
from .paging import cursor_at, offset_of
from .policy import Policy
from .work import Stopped, Work, current
from .writers import Writers

__all__ = ["Caller"]

log = logging.getLogger("checkmk_sync")

THREADS = 40  # of tools; the SDK's own serve resources and completions, so many slow tools do not hold those up


class Caller:
    """Calls verbs for a client, as the policy has it."""

    def __init__(self, client: Checkmk, policy: Policy, audit: Audit) -> None:
        self.client, self.policy, self._audit = client, policy, audit
        self._at_work = threading.Condition()
        self._working = 0
        self._shown = consent.Shown()
        self._writers = Writers()
        self._limiter: Optional[anyio.CapacityLimiter] = None

    async def call(
        self, verb: Verb, given: Mapping[str, Any], ctx: Context[Any, Any]
    ) -> CallToolResult | InputRequiredResult:
        """The answer of a tool. ToolError, with what to do next, when there is none."""
        arguments = checked(verb, given, self.policy)
        approved = arguments.pop("checksum", None) if verb.needs_consent else None
        client = _client_name(ctx)
        if verb.needs_consent:
            intent = await self._work(lambda: self._intent(verb, arguments))
            if intent is not None:
                answer = await self._consent(verb, arguments, intent, approved, ctx, client) if intent.asks else None
                if answer is not None:
                    return answer
                arguments = {**arguments, **intent.bound}
        found = await self._work(lambda: self._do(verb, arguments, client), ctx)
        return _answer({"done": True, "result": found} if verb.needs_consent else found)

    def page(self, verb: Verb, given: Mapping[str, Any]) -> dict[str, Any]:
        """A page of rows, or the one mapping, that a verb gives; ToolError as for :meth:`call`. For reading only."""
        page: dict[str, Any] = _told(lambda: self._do(verb, checked(verb, given, self.policy), ""))
        return page

    def drain(self, limit_s: float) -> bool:
        """Wait until no thread works any more, at most ``limit_s`` seconds; whether that is so."""
        with self._at_work:
            return self._at_work.wait_for(lambda: not self._working, limit_s)

    async def _work(self, do: Callable[[], Any], ctx: Optional[Context[Any, Any]] = None) -> Any:
        if self._limiter is None:
            self._limiter = anyio.CapacityLimiter(THREADS)
        return await Work().run(lambda: self._counted(do), self._limiter, None if ctx is None else ctx.report_progress)

    def _counted(self, do: Callable[[], Any]) -> Any:
        with self._at_work:
            self._working += 1
        try:
            return _told(do)
        finally:
            with self._at_work:
                self._working -= 1
                self._at_work.notify_all()

    def _intent(self, verb: Verb, arguments: Mapping[str, Any]) -> Optional[Intent]:
        if verb.preview is None:
            return Intent(f"{verb.help} Arguments: {json.dumps(cleaned(arguments))}")
        return verb.preview(self.client, **arguments)

    async def _consent(
        self,
        verb: Verb,
        arguments: Mapping[str, Any],
        intent: Intent,
        approved: Optional[str],
        ctx: Context[Any, Any],
        client: str,
    ) -> Optional[CallToolResult | InputRequiredResult]:
        """None when a person approved what would be done now; else what to answer instead."""
        sealed = consent.seal(verb.tool_name, arguments, intent.facts)
        try:
            if consent.can_ask(ctx):
                question = await consent.asked(ctx, intent, sealed, self._shown)
                if question is not None:
                    return question
            elif not self.policy.confirm_by_checksum:
                raise ToolError(
                    "Nothing was done: this needs a person's approval, and this client cannot ask for it. "
                    "The operator can start the server with --confirm-by-checksum."
                )
            elif approved is None:
                preview = consent.preview(intent)
                self._shown.add(sealed)
                return _answer({"done": False, "preview": preview, "checksum": sealed})
            elif not hmac.compare_digest(approved.encode(), sealed.encode()):
                raise ToolError(consent.CHANGED)
            else:
                self._shown.take(sealed)
            await self._still(verb, arguments, sealed)
        except ToolError:
            self._note(verb, arguments, "not approved", client)
            raise
        return None

    async def _still(self, verb: Verb, arguments: Mapping[str, Any], sealed: str) -> None:
        """People take their time: what was shown has to be what would be done now."""
        now = await self._work(lambda: self._intent(verb, arguments))
        if now is None or consent.seal(verb.tool_name, arguments, now.facts) != sealed:
            raise ToolError(consent.CHANGED)

    def _do(self, verb: Verb, arguments: Mapping[str, Any], client: str) -> dict[str, Any]:
        if not verb.writes:
            return self._given(verb, arguments)
        shown = {name: value for name, value in arguments.items() if name not in ("limit", "cursor")}
        try:
            self._audit.record(verb.tool_name, shown, "started", client)
        except OSError as error:
            raise ToolError(f"Nothing was done: the audit log cannot be written ({error.strerror}).") from error
        outcome = "failed"
        try:
            found = self._given(verb, arguments)
            outcome = "done"
            return found
        except Stopped:
            outcome = "stopped by the client, done in part"
            raise
        except CheckmkError as error:
            outcome = f"failed: {type(error).__name__}"
            raise
        finally:
            self._note(verb, shown, outcome, client)

    def _note(self, verb: Verb, arguments: Mapping[str, Any], outcome: str, client: str) -> None:
        """Note what became of a call; that it was started stands there already."""
        try:
            self._audit.record(verb.tool_name, arguments, outcome, client)
        except OSError as error:
            log.error("the audit log cannot be written: %s: %s", verb.tool_name, error.strerror)

    def _given(self, verb: Verb, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """What the handler gives, as data that is harmless; Stopped when nobody wants it any more."""
        work = current.get() or Work()
        work.check()
        given = dict(arguments)
        if not verb.gives_rows:
            more = {"watch": work.watch} if verb.watched else {}
            with self._writers.entered(verb):
                return _declared(verb, verb.handler(self.client, **given, **more))
        limit, cursor = given.pop("limit"), given.pop("cursor")
        offset = offset_of(cursor, verb.tool_name, given)
        unlimited = {"limit": None} if any(found.name == "limit" for found in verb.arguments) else {}
        rows = verb.handler(self.client, **given, **unlimited)
        page = list(itertools.islice(_checking(rows, work), offset, offset + limit + 1))
        counts = getattr(rows, "counts", None)
        close = getattr(rows, "close", None)
        if close is not None:
            close()
        items = [_declared(verb, row) for row in page[:limit]]
        is_last = len(page) <= limit
        total = sum(counts.values()) if counts is not None else offset + len(items) if is_last else None
        return {
            "items": items,
            "count": len(items),
            "next_cursor": None if is_last else cursor_at(offset + limit, verb.tool_name, given),
            "total": total,
            "counts": None if counts is None else dict(counts),
        }


def _checking(rows: Iterator[Any], work: Work) -> Iterator[Any]:
    for row in rows:
        work.check()
        yield row


def _declared(verb: Verb, row: Mapping[str, Any]) -> dict[str, Any]:
    if not verb.fields:
        return dict(cleaned(row))
    told = cleaned({found.name: row[found.name] for found in verb.fields if found.name in row})
    return dict(told)


def _told(do: Callable[[], Any]) -> Any:
    """What ``do()`` gives; its failure as a ToolError."""
    try:
        return do()
    except CheckmkError as error:
        raise ToolError(explained(error)) from error
    except ValueError as error:  # an argument that cannot be
        raise ToolError(f"Nothing was done, an argument cannot be: {quoted(as_arguments(str(error)))}") from error


def _answer(found: Mapping[str, Any]) -> CallToolResult:
    text = TextContent(type="text", text=fenced(found))
    return CallToolResult(content=[text], structured_content=dict(found))


def _client_name(ctx: Context[Any, Any]) -> str:
    params = ctx.session.client_params
    return "" if params is None else str(cleaned(f"{params.client_info.name} {params.client_info.version}"))[:100]
