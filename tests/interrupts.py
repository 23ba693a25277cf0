"""Simulate Ctrl-C at an exact line."""

from __future__ import annotations

import sys
from types import FrameType
from typing import Any, Callable, Optional

__all__ = ["interrupt_at"]


def interrupt_at(
    number: int,
    do: Callable[[], Any],
    *,
    in_file: Callable[[str], bool],
    at_line: Callable[[str, int], bool] = lambda _file, _line: True,
) -> Optional[KeyboardInterrupt]:
    """Call ``do``, and raise KeyboardInterrupt in it before the ``number``-th matching line.

    Return the exception, or None if fewer lines matched. A line matches if ``in_file(file)`` and
    ``at_line(file, line)`` are true.
    """
    reached = 0

    def trace(frame: FrameType, event: str, _: Any) -> Optional[Callable[..., Any]]:
        nonlocal reached
        file = frame.f_code.co_filename
        if not in_file(file):
            return None
        if event == "line" and at_line(file, frame.f_lineno):
            reached += 1
            if reached == number:
                sys.settrace(None)
                raise KeyboardInterrupt
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        do()
    except KeyboardInterrupt as error:
        return error
    finally:
        sys.settrace(before)
    return None
