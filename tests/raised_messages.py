"""Check the form of the errors that the package raises while a test runs."""

from __future__ import annotations

import dis
import sys
from types import CodeType, FrameType
from typing import Any, Iterator, Optional

import pytest

from checkmk_sync.errors import CheckmkError
from tests.message_form import text_faults

ROOM = "checkmk_sync"
# Other exceptions direct the control flow or come from the operating system, and have no message of ours.
CHECKED = (CheckmkError, ValueError, TypeError, AttributeError, RuntimeError)
TOOL = 4  # an ID of sys.monitoring that no profiler, debugger or coverage uses


def _is_ours(frame: Optional[FrameType]) -> bool:
    while frame is not None and frame.f_code.co_name == "__init__":  # of the error and its base classes
        frame = frame.f_back
    return frame is not None and str(frame.f_globals.get("__name__")).partition(".")[0] == ROOM


@pytest.fixture(autouse=True)
def raised_messages_are_complete(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fail a test in which the package raises an error whose message is empty or has no end.

    From Python 3.12, built-in errors such as ValueError are checked too.
    """
    wrong = []

    def check(error: BaseException) -> None:
        if isinstance(error, CHECKED) and (found := text_faults(str(error))):
            wrong.append(f"{type(error).__name__}: {str(error)!r} {'; '.join(found)}")

    def created(self: CheckmkError, *args: Any) -> None:
        create(self, *args)
        if _is_ours(sys._getframe(1)):
            check(self)

    def raised(code: CodeType, offset: int, error: BaseException) -> None:
        # Errors of built-in functions count as raised by their caller, unless the instruction is checked.
        # The simulated site repeats the messages of Checkmk as they are.
        ours = f"/{ROOM}/" in code.co_filename and f"/{ROOM}/testing/" not in code.co_filename
        if ours and code.co_code[offset] == dis.opmap["RAISE_VARARGS"]:
            check(error)

    create = CheckmkError.__init__
    monkeypatch.setattr(CheckmkError, "__init__", created)
    if sys.version_info >= (3, 12) and sys.monitoring.get_tool(TOOL) is None:
        sys.monitoring.use_tool_id(TOOL, "raised messages")
        sys.monitoring.register_callback(TOOL, sys.monitoring.events.RAISE, raised)
        sys.monitoring.set_events(TOOL, sys.monitoring.events.RAISE)
        yield
        sys.monitoring.set_events(TOOL, sys.monitoring.events.NO_EVENTS)  # free_tool_id() alone leaves them on
        sys.monitoring.register_callback(TOOL, sys.monitoring.events.RAISE, None)
        sys.monitoring.free_tool_id(TOOL)
    else:
        yield
    assert not wrong, wrong
