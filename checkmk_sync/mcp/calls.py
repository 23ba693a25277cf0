"""Tool calls: validate the arguments, ask for approval of a write, record it in the audit log, run the command."""

from __future__ import annotations

import json
import threading
from typing import Any, Callable, Iterator, Mapping, Optional, TypeVar

import anyio.to_thread
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import CallToolResult, InputRequiredResult

from ..cache import LRUCache
from ..catalogue.attributes import MASK
from ..catalogue.labels import ADOPTED_LABEL, OWNER_LABEL
from ..client.checkmk import Checkmk
from ..commands import Command, Preview, as_arguments
from ..core import cancellation
from ..core.cancellation import Stopped
from ..core.redaction import HIDDEN
from ..core.text import first_invisible, parse_json_container
from ..errors import CheckmkError
from .approval import CHANGED, MAX_PENDING, require_approval
from .audit import AuditLog, CallOutcome
from .capacity import Capacity, WorkKind, WriteLock
from .error_texts import LOOK, explain
from .policy import Policy
from .progress import CancellableTask, ProgressReporter
from .results import fit, page_result, tool_result
from .untrusted import quoted, sanitize

T = TypeVar("T")

# Seconds that calls get to finish after a shutdown has started, and to stop after that.
FINISH_S, STOP_S = 30.0, 5.0
MAX_JSON = 4 * 2**20  # characters of all arguments of a call, as JSON
MAX_DEPTH = 20
_ENDING = "the server is shutting down."


class ToolRunner:
    """Runs commands in threads for all clients of one server."""

    def __init__(self, client: Checkmk, policy: Policy, audit: AuditLog) -> None:
        self.client, self.policy, self._audit = client, policy, audit
        self._changed = threading.Condition()  # guards _tasks and _is_ending
        self._tasks: set[CancellableTask] = set()
        self._is_ending = False
        self.has_stopped_calls = False  # by a shutdown
        self._pending = LRUCache(MAX_PENDING)  # the fingerprints of previews; each can be approved once
        self._write_lock = WriteLock()
        self._capacity = Capacity(client.settings.limits.reads_in_flight)

    async def call(
        self, command: Command, arguments: Mapping[str, Any], ctx: Context[Any, Any]
    ) -> CallToolResult | InputRequiredResult:
        """Run a tool and return its result. Raises ToolError, which explains the problem and the next step."""
        kind = WorkKind.LOCAL if command.local else WorkKind.TOOL
        reporter = ProgressReporter(ctx.report_progress)
        info = ctx.session.client_params and ctx.session.client_params.client_info
        client_name = "" if info is None else str(sanitize(f"{info.name} {info.version}"))[:100]
        # In a thread, because validation reads inventory files.
        values = await self.in_thread(kind, lambda: validate_arguments(command, arguments, self.policy), reporter)
        if not command.needs_approval:
            return tool_result(await self.in_thread(kind, lambda: self._run(command, values, client_name), reporter))
        checksum = values.pop("checksum", None)
        # The person approves this preview. _run() computes it again and refuses the call if its facts have changed.
        preview = await self.in_thread(kind, lambda: self._preview(command, values), reporter)
        if preview is not None and preview.needs_approval:
            by_checksum = self.policy.confirm_by_checksum
            try:
                question = await require_approval(ctx, command, values, preview, self._pending, by_checksum, checksum)
            except ToolError:
                # In a thread, because a slow disk would block the event loop for all sessions.
                await anyio.to_thread.run_sync(self._audit.refuse, command.tool_name, values, client_name)
                raise
            if question is not None:
                return question
        result = await self.in_thread(kind, lambda: self._run(command, values, client_name, preview), reporter)
        return tool_result({"done": True, "result": result})

    async def read(self, command: Command, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Return the object or page of a command that only reads. Raises ToolError like :meth:`call`."""
        kind = WorkKind.LOCAL if command.local else WorkKind.RESOURCE
        return await self.in_thread(
            kind, lambda: self._run(command, validate_arguments(command, arguments, self.policy), "")
        )

    async def in_thread(
        self, kind: WorkKind, function: Callable[[], T], reporter: Optional[ProgressReporter] = None
    ) -> T:
        """Run ``function()`` in a thread as soon as there is capacity for it, and return its result."""
        task = CancellableTask()

        def run() -> T:
            with self._changed:
                if self._is_ending:
                    raise ToolError(f"Nothing was done: {_ENDING}")
                self._tasks.add(task)
            try:
                return function()
            except CheckmkError as error:
                raise ToolError(explain(error)) from error
            except ValueError as error:  # an argument that is not valid
                message = quoted(as_arguments(str(error)))
                raise ToolError(f"Nothing was done, because an argument is not valid: {message}") from error
            finally:
                with self._changed:
                    self._tasks.discard(task)
                    self._changed.notify_all()

        try:
            # A person waits for a completion. The client's own limits bound the number of abandoned threads.
            is_completion = kind is WorkKind.COMPLETION
            return await task.run(run, self._capacity.slot(kind), reporter, abandon=is_completion)
        except Stopped:  # only by a shutdown; a cancelled call ends with another exception
            raise ToolError(f"The call was stopped before it finished: {_ENDING} {LOOK}") from None

    def finish(self, limit_s: float = FINISH_S) -> bool:
        """Refuse new calls and wait for the calls in progress. Return True if all have ended.

        After ``limit_s`` seconds, the remaining calls are stopped and get ``STOP_S`` seconds to end.
        """
        with self._changed:
            self._is_ending = True
        if self.drain(limit_s):
            return True
        with self._changed:
            remaining = list(self._tasks)
            self.has_stopped_calls = bool(remaining)
        for task in remaining:
            task.stop()
        return self.drain(STOP_S)

    def drain(self, limit_s: float) -> bool:
        """Wait up to ``limit_s`` seconds for all threads to end. Return True if they have ended."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._tasks, limit_s)

    def _preview(self, command: Command, arguments: Mapping[str, Any]) -> Optional[Preview]:
        if command.preview is None:
            return Preview(f"{command.help} Arguments: {json.dumps(sanitize(arguments))}")
        return command.preview(self.client, **arguments)

    def _run(
        self, command: Command, arguments: Mapping[str, Any], client_name: str, preview: Optional[Preview] = None
    ) -> dict[str, Any]:
        """Run a command, and record it in the audit log if it writes. Refuse it if its preview has changed."""
        cancellation.check()
        if command.gives_rows:
            return page_result(self.client, command, arguments)
        task = cancellation.current.get()
        watch = {"watch": task.watch} if command.reports_progress and isinstance(task, CancellableTask) else {}
        if not command.writes:
            return fit(command, command.handler(self.client, **arguments, **watch))
        bound = arguments if preview is None else {**arguments, **preview.fixed_arguments}
        try:
            call_id = self._audit.begin(command.tool_name, bound, client_name)
        except OSError as error:
            raise ToolError(f"Nothing was done: the audit log cannot be written ({error.strerror}).") from error
        outcome = CallOutcome("failed")
        try:
            with self._write_lock.hold(command):
                if preview is not None and preview.needs_approval:
                    now = self._preview(command, arguments)  # the site can change while a person decides
                    if now is None or now.facts != preview.facts:
                        raise ToolError(CHANGED)
                values = command.handler(self.client, **bound, **watch)
            outcome = CallOutcome.from_result(values)
            return fit(command, values)
        except Stopped:
            by = "the server" if self._is_ending else "the client"
            extent = "done in part" if task is None or task.writes else "before anything was written"
            reached = task.reached if isinstance(task, CancellableTask) else {}
            outcome = CallOutcome(f"stopped by {by}, {extent}", reached)
            raise
        except CheckmkError as error:
            outcome = CallOutcome.from_error(error)
            raise
        finally:
            self._audit.end(call_id, outcome)


def validate_arguments(command: Command, arguments: Mapping[str, Any], policy: Policy) -> dict[str, Any]:
    """Return the arguments, converted to the types that the command takes.

    Raises ToolError if they are too large, and ValueError if a value is not valid or must not come from a model.
    """
    if len(json.dumps(arguments, default=str)) > MAX_JSON:
        raise ToolError(
            f"Nothing was done: the arguments must have at most {MAX_JSON} characters. "
            "Pass an inventory as a file, and create hosts in several calls."
        )
    values = dict(arguments)
    for argument in command.arguments:
        value = values.get(argument.name)
        if value is not None:
            value = argument.convert(value)  # first, so that a string of JSON hides nothing from the checks below
            _check_content(command, argument.name, value)
            if argument.kind is dict and not argument.many:
                _check_size(value, policy.max_batch)
            values[argument.name] = policy.inventory(value) if argument.kind == "file" else value
    if command.check is not None:
        command.check(**values)
    return values


def _check_size(inventory: Mapping[str, Any], limit: int) -> None:
    for section, entries in inventory.items():
        if isinstance(entries, list) and len(entries) > limit:
            raise ValueError(
                f"{section!r} lists {len(entries)} objects, more than the limit of {limit} for one call; use a file"
            )


def _check_content(command: Command, name: str, value: Any) -> None:
    for part, is_key in _walk(value):
        if part == HIDDEN:
            raise ValueError(MASK)
        # A person cannot tell "web01" with a zero-width space from "web01", and might approve it.
        invisible = first_invisible(part, keep="" if is_key else "\n\t") if isinstance(part, str) else None
        if invisible is not None:
            raise ValueError(f"{name} contains the invisible character U+{ord(invisible):04X}; remove it")
        # The owner label decides which objects a sync may delete, so only a sync sets it.
        if command.writes and part in (OWNER_LABEL, ADOPTED_LABEL):
            raise ValueError(f"the label {part} names the owner of an object; only sync_apply sets or removes it")
    if command.writes and not command.additive and name in ("attribute", "remove") and "labels" in value:
        raise ValueError(
            "the attribute labels cannot be replaced or removed, because a label may name the owner of the object; "
            "change single labels, if the tool has an argument for them"
        )


def _walk(value: Any, depth: int = 0) -> Iterator[tuple[Any, bool]]:
    """Yield the value and all nested keys and values, also within strings of JSON, as pairs of part and is_key."""
    if depth > MAX_DEPTH:
        raise ValueError(f"lists and objects must be nested at most {MAX_DEPTH} levels deep")
    yield value, False
    content = parse_json_container(value) if isinstance(value, str) else value
    if isinstance(content, Mapping):
        yield from ((key, True) for key in content)
        content = list(content.values())
    if isinstance(content, list):
        for inner in content:
            yield from _walk(inner, depth + 1)
