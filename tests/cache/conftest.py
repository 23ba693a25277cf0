"""Fixtures for the tests of the cache: a site, a cache in a file, and another process that uses the same file."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from pathlib import Path
from typing import Any, Callable, Iterator, Mapping

import pytest

from checkmk_sync.testing import SimulatedSite

Ask = Callable[[], str]

# For each line on stdin, prints the alias of a host and the number of cache hits so far.
READER = """
import sys
from checkmk_sync import Checkmk
caching = {"backend": "sqlite", "path": sys.argv[3], "default_ttl": 300}
with Checkmk(sys.argv[1], "s", "automation", sys.argv[2], caching=caching) as cmk:
    for line in sys.stdin:
        alias = cmk.hosts.get("host00000").attributes.get("alias")
        print(alias, cmk.metrics()["cache"]["hits"], flush=True)
"""


@pytest.fixture
def live() -> Iterator[SimulatedSite]:
    """A site with three hosts, in real time."""
    with SimulatedSite(hosts=3) as site:
        yield site


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The path of the cache file. Neither the file nor its folder exists yet."""
    return tmp_path / "cache" / "answers.sqlite"


@pytest.fixture
def caching(path: Path) -> Mapping[str, Any]:
    """The settings for a cache in that file."""
    return {"backend": "sqlite", "path": str(path), "default_ttl": 300}


def host_requests(site: SimulatedSite) -> int:
    """Return the number of requests for single hosts that have reached the site."""
    return sum(1 for request in site.requests if request.path.startswith("/objects/host_config"))


@contextlib.contextmanager
def another_process(site: SimulatedSite, path: Path) -> Iterator[Ask]:
    """Start a process with a client on the same file, and yield a function that returns its "ALIAS HITS"."""
    command = [sys.executable, "-c", READER, site.url, site.password, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin and process.stdout

        def ask() -> str:
            assert process.stdin and process.stdout
            process.stdin.write("x\n")
            process.stdin.flush()
            return process.stdout.readline().strip()

        yield ask


def rename(client: Any, alias: str) -> None:
    """Give the host that the other process reads a new alias."""
    client.hosts.update("host00000", update_attributes={"alias": alias})
