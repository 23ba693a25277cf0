"""A client that has been used also works in a forked process, and each process gets only its own answers."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from checkmk_sync.testing import Fault, SimulatedSite

CODE = """\
import os, sys, warnings

warnings.simplefilter("ignore")
from checkmk_sync import Checkmk

options = {"caching": {"enabled": False}, "limits": {"requests_per_second": 500}}
cmk = Checkmk(sys.argv[1], "s", "automation", sys.argv[2], **options)
cmk.hosts.get("host00000")
child = os.fork()
mine = "host00001" if child else "host00002"
right = all(cmk.hosts.get(mine).name == mine for _ in range(40))
if child:
    right = right and os.waitpid(child, 0)[1] == 0
os._exit(0 if right else 1)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform cannot fork")
def test_parent_and_child_use_separate_connections() -> None:
    with SimulatedSite(hosts=3) as site:
        for _ in range(3):
            done = subprocess.run([sys.executable, "-c", CODE, site.url, site.password], timeout=30)
            assert done.returncode == 0
        assert {request.status for request in site.requests} == {200}
        hosts = [request.path for request in site.requests if request.path.startswith("/objects/host_config")]
        assert len(hosts) == 3 * (1 + 40 + 40)


BUSY = """\
import os, sys, threading, time, warnings

warnings.simplefilter("ignore")
from checkmk_sync import Checkmk

options = {"timeouts": {"total_s": 20}, "limits": {"requests_per_second": 500}}
cmk = Checkmk(sys.argv[1], "s", "automation", sys.argv[2], **options)
cmk.hosts.get("host00000")
threads = [threading.Thread(target=cmk.hosts.create, args=["parent"])]
threads += [threading.Thread(target=lambda n=n: cmk.hosts.get(f"host0000{n % 3}", fresh=True)) for n in range(8)]
for thread in threads:
    thread.start()
time.sleep(0.3)  # the write is in progress and occupies the only slot for writes
child = os.fork()
if not child:
    started = time.monotonic()
    right = cmk.hosts.create("child").name == "child" and cmk.hosts.get("host00001").name == "host00001"
    os._exit(0 if right and time.monotonic() - started < 5 else 1)
for thread in threads:
    thread.join()
os._exit(0 if os.waitpid(child, 0)[1] == 0 and cmk.hosts.get("parent").name == "parent" else 1)
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform cannot fork")
def test_a_child_does_not_wait_for_threads_of_its_parent() -> None:
    """At the fork, those threads hold locks and slots. They do not exist in the child, so they cannot release them."""
    with SimulatedSite(hosts=3, faults=[Fault("slow", seconds=1.5, writes=True, times=1)]) as site:
        done = subprocess.run([sys.executable, "-c", BUSY, site.url, site.password], timeout=60)
        assert done.returncode == 0
        assert {"parent", "child"} <= set(site.state.configuration.hosts)
