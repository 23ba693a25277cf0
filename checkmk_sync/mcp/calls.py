"""Doing what a tool is called for: check, ask, note, do, and answer with data."""

from __future__ import annotations

import hmac
import json
import threading
from typing import Any, Callable, Mapping, Optional

import anyio.to_thread
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import CallToolResult, InputRequiredResult, TextContent

from ..client.checkmk import Checkmk
from ..commands import Command, Preview, as_arguments
from ..core import cancellation
from ..errors import CheckmkError
from ..recovery.limit import session_limit
from . import approval as consent
from .audit import Audit, Ended
from .capacity import Capacity, Place, WorkKind
from .error_texts import LOOK, explained
from .intake import checked
from .policy import Policy
from .progress import Stopped, Telling, Work
from .results import given, page
from .untrusted import cleaned, fenced, quoted
from .writers import Writers

__all__ = ["Caller"]

DRAIN_S, STOP_S = 30.0, 5.0  # how long what is under way may take to end, and then to stop
_ENDING = "the server is ending."


class Caller:
    """Calls verbs for a client, as the policy has it."""

    def __init__(self, client: Checkmk, policy: Policy, audit: Audit) -> None:
        self.client, self.policy, self._audit = client, policy, audit
        self._at_work = threading.Condition()
        self._works: set[Work] = set()
        self._is_ending = False
        self.has_cut = False  # whether ending has stopped anything
        self._shown = consent.Shown()
        self._writers = Writers()
        self._capacity = Capacity(client.settings.limits.reads_in_flight)

    async def call(
        self, verb: Command, given: Mapping[str, Any], ctx: Context[Any, Any]
    ) -> CallToolResult | InputRequiredResult:
        """The answer of a tool. ToolError, with what to do next, when there is none."""
        telling = Telling(ctx.report_progress)
        # In a thread: inventory files are read there.
        arguments = await self._work(verb, lambda: checked(verb, given, self.policy), telling)
        approved = arguments.pop("checksum", None) if verb.needs_approval else None
        client, still = _client_name(ctx), None
        if verb.needs_approval:
            intent = await self._work(verb, lambda: self._intent(verb, arguments), telling)
            if intent is not None:
                if intent.needs_approval:
                    answer = await self._consent(verb, arguments, intent, approved, ctx, client)
                    if answer is not None:
                        return answer
                    still = self._still(verb, arguments, intent)
                arguments = {**arguments, **intent.fixed_arguments}
        found = await self._work(verb, lambda: self._do(verb, arguments, client, still), telling)
        return _answer({"done": True, "result": found} if verb.needs_approval else found)

    async def read(self, verb: Command, given: Mapping[str, Any]) -> dict[str, Any]:
        """A page of rows, or the one mapping, that a verb gives; ToolError as for :meth:`call`. For reading only."""
        kind = WorkKind.LOCAL if verb.local else WorkKind.RESOURCE
        found: dict[str, Any] = await self.work(kind, lambda: self._do(verb, checked(verb, given, self.policy), ""))
        return found

    async def work(self, kind: WorkKind, do: Callable[[], Any], telling: Optional[Telling] = None) -> Any:
        """What ``do()`` gives, in a thread, once there is a place for one more of this kind and session."""
        taking = self._capacity.take(kind)
        place = await (taking if telling is None else telling.during(taking, lambda place: place.give_back()))
        work = Work()
        try:
            return await work.run(lambda: self._counted(work, place, do), telling, place.give_back)
        except Stopped:  # but not by the client, to whom nothing would be answered any more
            raise ToolError(f"This was stopped before its end: {_ENDING} {LOOK}") from None

    def finish(self, limit_s: float = DRAIN_S) -> bool:
        """Begin nothing any more and wait, at most ``limit_s`` seconds, for what is under way; what takes longer is
        stopped. Whether nothing is left."""
        with self._at_work:
            self._is_ending = True
        if self.drain(limit_s):
            return True
        with self._at_work:
            left = list(self._works)
            self.has_cut = bool(left)
        for work in left:
            work.stop()
        return self.drain(STOP_S)

    def drain(self, limit_s: float) -> bool:
        """Wait until no thread works any more, at most ``limit_s`` seconds; whether that is so."""
        with self._at_work:
            return self._at_work.wait_for(lambda: not self._works, limit_s)

    async def _work(self, verb: Command, do: Callable[[], Any], telling: Optional[Telling] = None) -> Any:
        return await self.work(WorkKind.LOCAL if verb.local else WorkKind.TOOL, do, telling)

    def _counted(self, work: Work, place: Place, do: Callable[[], Any]) -> Any:
        session_limit.set(place.reads)  # of this thread's context, which ends with the call
        with self._at_work:
            if self._is_ending:
                raise ToolError(f"Nothing was done: {_ENDING}")
            self._works.add(work)
        try:
            return _told(do)
        finally:
            with self._at_work:
                self._works.discard(work)
                self._at_work.notify_all()

    def _intent(self, verb: Command, arguments: Mapping[str, Any]) -> Optional[Preview]:
        if verb.preview is None:
            return Preview(f"{verb.help} Arguments: {json.dumps(cleaned(arguments))}")
        return verb.preview(self.client, **arguments)

    async def _consent(
        self,
        verb: Command,
        arguments: Mapping[str, Any],
        intent: Preview,
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
                raise ToolError(consent.CHANGED if self._shown.holds(approved) else consent.NO_PREVIEW)
            else:
                self._shown.take(sealed, consent.NO_PREVIEW)
        except ToolError:
            # In a thread, for a disk may be slow, and other sessions wait for this loop.
            await anyio.to_thread.run_sync(self._audit.refuse, verb.tool_name, arguments, "not approved", client)
            raise
        return None

    def _still(self, verb: Command, arguments: Mapping[str, Any], shown: Preview) -> Callable[[], None]:
        """A last look, for people take their time: what was shown has to be what would be done now."""

        def look() -> None:
            now = self._intent(verb, arguments)
            if now is None or now.facts != shown.facts:
                raise ToolError(consent.CHANGED)

        return look

    def _do(
        self, verb: Command, arguments: Mapping[str, Any], client: str, still: Optional[Callable[[], None]] = None
    ) -> dict[str, Any]:
        cancellation.check()
        if verb.gives_rows:
            return page(self.client, verb, arguments)
        work = cancellation.current.get()
        more = {"watch": work.watch} if verb.reports_progress and isinstance(work, Work) else {}
        if not verb.writes:
            return given(self.client, verb, {**arguments, **more})[0]
        try:
            noted = self._audit.begin(verb.tool_name, arguments, client)
        except OSError as error:
            raise ToolError(f"Nothing was done: the audit log cannot be written ({error.strerror}).") from error
        ended = Ended("failed")
        try:
            with self._writers.entered(verb):
                if still is not None:
                    still()
                answer, found = given(self.client, verb, {**arguments, **more})
            ended = Ended.well(found)
            return answer
        except Stopped:
            ended = self._stopped(work)
            raise
        except CheckmkError as error:
            ended = Ended.badly(error)
            raise
        finally:
            self._audit.end(noted, ended)

    def _stopped(self, work: Optional[cancellation.Cancellation]) -> Ended:
        by = "the server" if self._is_ending else "the client"
        how_far = "done in part" if work is None or work.writes else "before anything was written"
        return Ended(f"stopped by {by}, {how_far}", work.reached if isinstance(work, Work) else {})


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
