"""``checkmk-sync mcp --http`` as a process, for a simulated site."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
from typing import Iterator

from checkmk_sync.testing import SimulatedSite

__all__ = ["served"]


@contextlib.contextmanager
def served(site: SimulatedSite, *arguments: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The address, and the process."""
    environment = {
        **os.environ,
        "CHECKMK_SERVER_URL": site.url,
        "CHECKMK_SITE": "s",
        "CHECKMK_USERNAME": site.user,
        "CHECKMK_PASSWORD": site.secret,
    }
    command = [sys.executable, "-m", "checkmk_sync", "mcp", "--http", "--port", "0", *arguments]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            found = re.search(r"http://\S+", process.stderr.readline())
            assert found is not None, process.stderr.read()
            yield found[0], process
        finally:
            process.kill()
