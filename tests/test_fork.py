"""A client that was used goes on working in a forked process, and neither process gets the other's answers."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from checkmk_sync.testing import SimulatedSite

CODE = """\
import os, sys, warnings

warnings.simplefilter("ignore")
from checkmk_sync import Checkmk

cmk = Checkmk(sys.argv[1], "s", "automation", sys.argv[2], caching={"enabled": False})
cmk.hosts.get("host00000")
child = os.fork()
mine = "host00001" if child else "host00002"
right = all(cmk.hosts.get(mine).name == mine for _ in range(40))
if child:
    right = right and os.waitpid(child, 0)[1] == 0
os._exit(0 if right else 1)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks here")
def test_parent_and_child_have_connections_of_their_own() -> None:
    with SimulatedSite(hosts=3) as site:
        for _ in range(3):
            done = subprocess.run([sys.executable, "-c", CODE, site.url, site.secret], timeout=30)
            assert done.returncode == 0
        assert {request.status for request in site.requests} == {200}
        hosts = [request.path for request in site.requests if request.path.startswith("/objects/host_config")]
        assert len(hosts) == 3 * (1 + 40 + 40)
