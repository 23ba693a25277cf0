"""After a Ctrl-C at any moment of a call, the client still works and keeps nothing reserved for that call."""

from __future__ import annotations

import linecache
from pathlib import Path
from typing import Any, Callable

import pytest

import checkmk_sync
from checkmk_sync import Checkmk
from checkmk_sync.http.socket_deadlines import SOCKET_DEADLINES
from checkmk_sync.testing import SimulatedSite
from tests.interrupts import interrupt_at

OURS = str(Path(checkmk_sync.__file__).parent)
CALLS: dict[str, Callable[[Checkmk], Any]] = {
    "read": lambda client: client.hosts.get("host00000"),
    "write": lambda client: client.hosts.update("host00000", update_attributes={"alias": "x"}),
    "stream": lambda client: next(client.hosts.each()),
}


def _may_be_interrupted(file: str, line: int) -> bool:
    # Python does not check for signals before the exit of a with statement, before a try, or before the first line of a
    # finally. Only tracing could interrupt there.
    now, before = (linecache.getline(file, number).strip() for number in (line, line - 1))
    return not now.startswith("with ") and now != "try:" and before != "finally:"


def _interrupted_at(line: int, do: Callable[[], Any]) -> bool:
    """Call ``do``, interrupted before the line number ``line`` of our code. Return False if fewer lines run."""
    error = interrupt_at(line, do, in_file=lambda file: file.startswith(OURS), at_line=_may_be_interrupted)
    return error is not None


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # sockets of interrupted calls
@pytest.mark.parametrize("call", list(CALLS))
def test_an_interrupted_call_frees_its_resources(call: str) -> None:
    options: dict[str, Any] = {"limits": {"reads_in_flight": 1}, "timeouts": {"total_s": 3, "settle_s": 0.01}}
    with SimulatedSite(hosts=1) as site, site.client(**options) as client:
        told: list[Any] = []
        client.add_hook(told.append)
        CALLS[call](client)
        line = 0
        while True:
            line += 1 if line < 20 else 5
            client.clear_cache()
            if not _interrupted_at(line, lambda: CALLS[call](client)):
                break
            if line % 5 == 0:
                assert client.hosts.get("host00000", fresh=True).name == "host00000"
                assert client.hosts.get("host00000").name == "host00000"
        assert line > 100
        told.clear()
        client.hosts.update("host00000", update_attributes={"alias": "y"})
        assert [event.verb for event in told][-1] == "update"
        assert all(event.attempts <= 1 for event in told)
        assert not client._transport.cache._single_flight._flights
        assert not SOCKET_DEADLINES._live
