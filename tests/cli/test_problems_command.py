"""Problems and the status of a site on the command line."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import time
from typing import Iterator

import pytest

from checkmk_sync.testing import SimulatedSite
from tests.conftest import Run, use_site


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[SimulatedSite]:
    with SimulatedSite() as site:
        hosts = [
            {"name": "web01", "state": 1, "filename": "/wato/linux/hosts.mk"},
            {"name": "web02", "labels": {"env": "prod"}, "filename": "/wato/hosts.mk"},
        ]
        services = [
            {"host_name": "web01", "description": "CPU", "state": 2},
            {"host_name": "web02", "description": "Disk", "state": 1, "groups": ["a", "b"], "plugin_output": "Timeout"},
            {"host_name": "web02", "description": "CPU", "state": 2, "state_type": 0},
        ]
        site.seed_monitoring({"hosts": hosts, "services": services})
        use_site(monkeypatch, site)
        yield site


def test_problems_are_listed_worst_first_and_selected(site: SimulatedSite, sync: Run) -> None:
    rows = sync("problems", "--json").data
    assert [(row["state"], row["host"], row["service"]) for row in rows] == [
        ("DOWN", "web01", ""),
        ("CRITICAL", "web02", "CPU"),
        ("WARNING", "web02", "Disk"),
    ]
    assert len(sync("problems", "--handled", "--json").data) == 4
    for options, services in (
        (["--search", "timeout"], ["Disk"]),
        (["--search", "web02"], ["CPU", "Disk"]),
        (["--host", "web01"], [""]),
        (["--host", "web*", "--hard"], ["", "Disk"]),
        (["--label", "env=prod"], []),
        (["--state", "down", "--state", "warn"], ["", "Disk"]),
    ):
        assert [row["service"] for row in sync("problems", *options, "--json").data] == services


def test_problems_are_grouped(site: SimulatedSite, sync: Run) -> None:
    lines = sync("problems", "--group-by", "group").out.splitlines()
    assert [line.split("\t")[:4] for line in lines] == [
        ["", "DOWN", "web01", ""],
        ["", "CRITICAL", "web02", "CPU"],
        ["a", "WARNING", "web02", "Disk"],
        ["b", "WARNING", "web02", "Disk"],
    ]
    wide = sync("problems", "--group-by", "group", "-o", "wide").out.splitlines()
    assert wide[0].split().count("group") == 1
    refused = sync("problems", "--group-by", "color")
    assert refused.code == 2
    assert "host, folder, group or label:KEY" in refused.err


def test_problems_pipe_into_commands(site: SimulatedSite, sync: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    import io

    names = sync("problems", "-o", "name").out
    monkeypatch.setattr(sys, "stdin", io.StringIO(names))
    assert sync("acknowledge", "-", "--comment", "ticket", "--yes").code == 0
    assert sync("problems", "--json").data == []
    (row, *_) = sync("problems", "--handled", "--json").data
    assert (row["acknowledged_by"], row["acknowledgement"]) == ("automation", "ticket")
    assert "automation" in sync("problems", "--handled").out.splitlines()[0]


def test_the_status_is_one_screen(site: SimulatedSite, sync: Run) -> None:
    found = sync("status", "--json").data
    assert found["hosts"] == {"up": 1, "down": 1, "unreachable": 0, "pending": 0}
    assert found["services"]["critical"] == 2
    assert found["unhandled_problems"] == {"hosts": 1, "services": 2}
    assert (found["handled_problems"], found["downtimes"]) == ({"hosts": 0, "services": 0}, 0)
    assert len(sync("status").out.splitlines()) < 24


def test_watching_needs_a_terminal(site: SimulatedSite, sync: Run) -> None:
    refused = sync("problems", "--watch", "1")
    assert (refused.code, refused.out) == (2, "")
    assert "needs a terminal" in refused.err


def test_watching_shows_the_new_state_until_ctrl_c(site: SimulatedSite) -> None:
    controller, terminal = pty.openpty()
    command = [sys.executable, "-m", "checkmk_sync", "problems", "--watch", "1"]
    with subprocess.Popen(
        command, stdin=terminal, stdout=terminal, stderr=terminal, start_new_session=True
    ) as watching:
        os.close(terminal)
        seen = _read_until(controller, b"web01")
        assert b"DOWN" in seen
        site.seed_monitoring({"hosts": [{"name": "db01", "state": 1}], "services": []})
        seen = _read_until(controller, b"db01")
        assert b"web01" not in seen.rsplit(b"\x1b[2J", 1)[-1]
        watching.send_signal(2)
        assert watching.wait(30) == 130
    os.close(controller)


def _read_until(controller: int, text: bytes) -> bytes:
    seen, until = b"", time.monotonic() + 30
    while text not in seen and time.monotonic() < until:
        seen += os.read(controller, 65536)
    return seen
