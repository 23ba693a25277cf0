"""A client that is closed or no longer referenced frees its connections, passwords and frames."""

from __future__ import annotations

import gc
import subprocess
import sys
import traceback
import weakref

import pytest

from checkmk_sync.testing import SimulatedSite

# The first client imports requests-cache, which keeps the frames that led to its import.
FIRST_CLIENT = """
import gc, sys, weakref

class Password(str): pass

def main():
    password = Password("hunter2")
    from checkmk_sync import Checkmk
    client = Checkmk("https://mon.example.com", "s", "automation", password)
    client.close()
    return weakref.ref(client), weakref.ref(password)

client, password = main()
gc.collect()
print(client() is None, password() is None)
"""


def test_closing_a_client_closes_its_connections() -> None:
    """urllib3 closes the connections of a pool once nothing refers to the pool."""
    with SimulatedSite(hosts=1) as site:
        client = site.client()
        client.hosts.get("host00000")
        pool = weakref.ref(client._transport._adapter._pool)
        assert pool() is not None
        client.close()
        gc.collect()
        assert pool() is None


@pytest.mark.skipif(sys.platform != "linux", reason="calls the fork of the C library")
def test_a_child_that_forked_without_the_hooks_of_python_opens_its_own_connection() -> None:
    code = (
        "import ctypes, os, sys, threading\nfrom checkmk_sync import Checkmk\n"
        "from checkmk_sync.http import socket_deadlines\nsocket_deadlines.IDLE_S = 0.01\n"
        "cmk = Checkmk(sys.argv[1], 's', 'automation', sys.argv[2])\ncmk.version()\n"
        # Python itself hangs in such a child if another thread waited for the interpreter at that moment.
        "[thread.join() for thread in threading.enumerate() if thread is not threading.main_thread()]\n"
        "pool = cmk._transport._adapter._pool\nchild = ctypes.PyDLL(None).fork()\nlist(cmk.host_groups.each())\n"
        "is_same = cmk._transport._adapter._pool is pool\n"
        "if not child:\n    os._exit(is_same)\n"
        "sys.exit(not is_same or os.waitpid(child, 0)[1] != 0)\n"
    )
    with SimulatedSite() as site:
        command = [sys.executable, "-W", "ignore", "-c", code, site.url, site.password]
        assert subprocess.run(command, timeout=60, check=False).returncode == 0


def test_the_first_client_and_the_frames_of_its_program_are_collected() -> None:
    done = subprocess.run([sys.executable, "-c", FIRST_CLIENT], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "True"]


@pytest.mark.parametrize("etag", ['"a"\nb', '"€"', "", '"a" '])
def test_an_etag_that_no_header_can_hold_is_refused_before_anything_is_sent(etag: str) -> None:
    with SimulatedSite(hosts=1) as site, site.client() as client:
        client.version()
        before = len(site.requests)
        with pytest.raises(ValueError, match="an ETag must be a string") as caught:
            client.hosts.update("host00000", update_attributes={"alias": "x"}, etag=etag)
        assert len(site.requests) == before
        frames = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
        assert site.password not in "".join(frames.format())
