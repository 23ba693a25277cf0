"""A site that does not answer until it is let."""

from __future__ import annotations

import threading

from checkmk_sync.testing import SimulatedSite

__all__ = ["Gate"]

HELD_S = 60.0


class Gate:
    """Lets requests whose path holds ``part`` wait until somebody opens it."""

    def __init__(self, site: SimulatedSite, part: str) -> None:
        self._part = part
        self.reached, self.open = threading.Event(), threading.Event()
        self.count = 0
        site.on_request(self._pass)

    def _pass(self, _method: str, path: str) -> None:
        if self._part in path:
            self.count += 1
            self.reached.set()
            assert self.open.wait(HELD_S)
