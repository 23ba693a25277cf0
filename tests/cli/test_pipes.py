"""A reader that closes the pipe ends a list, but does not interrupt ``plan`` or ``apply``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from checkmk_sync.testing import SimulatedSite

HOSTS = 800  # more output than fits into the buffer of a pipe


@pytest.fixture
def inventory(tmp_path: Path) -> str:
    path = tmp_path / "hosts.json"
    path.write_text(json.dumps({"hosts": [{"name": f"h{number:04d}"} for number in range(HOSTS)]}))
    return str(path)


def _exit_code(site: SimulatedSite, *arguments: str) -> int:
    """Return the exit code of a command whose reader closes the pipe before the first line."""
    read, write = os.pipe()
    os.close(read)
    environment = {**os.environ, "CHECKMK_SERVER_URL": site.url}
    with os.fdopen(write, "wb") as pipe:
        done = subprocess.run(
            [sys.executable, "-m", "checkmk_sync", *arguments], stdout=pipe, stderr=subprocess.PIPE, env=environment
        )
    assert done.stderr == b""
    return done.returncode


@pytest.mark.parametrize("form", [(), ("--json",), ("--markdown",)])
@pytest.mark.slow
def test_a_plan_without_a_reader_has_the_usual_exit_code(
    site_for_cli: SimulatedSite, inventory: str, form: tuple[str, ...]
) -> None:
    assert _exit_code(site_for_cli, "plan", inventory, "--detailed-exitcode", *form) == 4
    assert _exit_code(site_for_cli, "plan", inventory, *form) == 0


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_an_apply_without_a_reader_finishes(site_for_cli: SimulatedSite, inventory: str, form: tuple[str, ...]) -> None:
    assert _exit_code(site_for_cli, "apply", inventory, "--yes", "-q", *form) == 0
    assert len(site_for_cli.state.configuration.hosts) == 3 + HOSTS
    assert site_for_cli.state.configuration.changes == []


def test_a_list_without_a_reader_ends(site_for_cli: SimulatedSite) -> None:
    assert _exit_code(site_for_cli, "hosts", "list") == 0
    assert _exit_code(site_for_cli, "hosts", "list", "--json") == 0
