"""The way of one read through our code: how many files it passes, and how many of our functions it calls.

Run: python benchmarks/request_path.py [-v]

``cmk.hosts.get("web01")`` is called twice against the simulated site: cold, when nothing about the host is cached, and
cached. Modules are loaded and the connection is open before that. Only functions of ``checkmk_sync`` in the calling
thread count. A generator counts once, however often it is resumed; comprehensions do not count. ``-v`` lists the calls
in their order.
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
COMPREHENSIONS = {"<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>"}  # most are no calls from Python 3.12 on
RESUMABLE = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR


def _traced(work: Callable[[], object]) -> list[tuple[int, str, str]]:
    """Return the calls of our functions that work makes: how deep they are nested, file and name."""
    calls: list[tuple[int, str, str]] = []
    generators: set[FrameType] = set()  # kept, so that no other frame takes their place in memory

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
        name = getattr(code, "co_qualname", code.co_name)  # qualified from Python 3.11 on
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
            cmk.hosts.get("web02")  # connects and loads what is loaded on first use
            cmk.hosts.get("web02")
            for title in ("cold", "cached"):
                _show(title, _traced(lambda: cmk.hosts.get("web01")), with_calls=with_calls)


if __name__ == "__main__":
    main(with_calls="-v" in sys.argv[1:])
