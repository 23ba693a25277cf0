"""Count the files and the function calls that one read passes through.

Run: python benchmarks/request_path.py [-v]

``cmk.hosts.get("web01")`` is called twice against the simulated site. The first call ("cold") sends a request, and the
second one ("cached") does not. All modules are loaded and the connection is open before that. Only functions of
``checkmk_sync`` in the calling thread count. A generator counts once, even if it is resumed. Comprehensions do not
count. ``-v`` lists the calls in order.
"""

from __future__ import annotations

import inspect
import os
import sys
from types import FrameType
from typing import Any, Callable

import checkmk_sync
from checkmk_sync import Checkmk
from checkmk_sync.testing import SimulatedSite

PACKAGE = os.path.dirname(checkmk_sync.__file__) + os.sep
COMPREHENSIONS = {"<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>"}  # most of them are inlined since Python 3.12
RESUMABLE = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR


def _traced(work: Callable[[], object]) -> list[tuple[int, str, str]]:
    """Return the calls of the package's functions that ``work`` makes, each with its depth, file and name."""
    calls: list[tuple[int, str, str]] = []
    generators: set[FrameType] = set()  # referenced, so that no new frame gets the same address

    def profile(frame: FrameType, event: str, _: Any) -> None:
        code = frame.f_code
        if event != "call" or not code.co_filename.startswith(PACKAGE) or code.co_name in COMPREHENSIONS:
            return
        if code.co_flags & RESUMABLE:
            if frame in generators:
                return
            generators.add(frame)
        depth, caller = 0, frame.f_back
        while caller is not None:
            depth += caller.f_code.co_filename.startswith(PACKAGE) and caller.f_code.co_name not in COMPREHENSIONS
            caller = caller.f_back
        name = getattr(code, "co_qualname", code.co_name)  # co_qualname exists since Python 3.11
        calls.append((depth, code.co_filename[len(PACKAGE) :], name))

    sys.setprofile(profile)
    try:
        work()
    finally:
        sys.setprofile(None)
    return calls


def _show(title: str, calls: list[tuple[int, str, str]], *, with_calls: bool) -> None:
    print(f"{title}: {len({file for _, file, _ in calls})} files, {len(calls)} calls")
    if with_calls:
        for depth, file, name in calls:
            print(f"  {'  ' * depth}{name}  ({file})")


def main(*, with_calls: bool) -> None:
    print(f"Python {sys.version.split()[0]}")
    with SimulatedSite() as site:
        with site.client() as preparing:
            for name in ("web01", "web02"):
                preparing.hosts.create(name)
        with Checkmk(site.url, site.site, site.username, site.password) as cmk:
            cmk.hosts.get("web02")  # opens the connection and triggers lazy imports
            cmk.hosts.get("web02")
            for title in ("cold", "cached"):
                _show(title, _traced(lambda: cmk.hosts.get("web01")), with_calls=with_calls)


if __name__ == "__main__":
    main(with_calls="-v" in sys.argv[1:])
