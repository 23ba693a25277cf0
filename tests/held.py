"""A gate that holds requests to a simulated site until the test opens it."""

from __future__ import annotations

import threading

from checkmk_sync.testing import SimulatedSite

__all__ = ["Gate"]

HELD_S = 60.0


class Gate:
    """Holds requests with ``part`` in their path until the test sets ``open``. The ``first`` requests pass."""

    def __init__(self, site: SimulatedSite, part: str, *, first: int = 0) -> None:
        self._part, self._pass_at_once = part, first
        self.reached, self.open = threading.Event(), threading.Event()
        self.count = 0
        site.on_request(self._pass)

    def _pass(self, _method: str, path: str) -> None:
        if self._part not in path:
            return
        if self._pass_at_once:
            self._pass_at_once -= 1
        else:
            self.count += 1
            self.reached.set()
            assert self.open.wait(HELD_S)
