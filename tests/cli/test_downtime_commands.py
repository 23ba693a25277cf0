"""Downtimes, acknowledgements and comments on the command line, and lists that pipe into these commands."""

from __future__ import annotations

import contextlib
import datetime as dt
import io
import os
import pty
import subprocess
import sys
from typing import Iterator

import pytest

from checkmk_sync import Checkmk, Target
from checkmk_sync.core.text import name_line, read_name_line
from checkmk_sync.testing import SimulatedSite
from tests.conftest import Run, use_site

ODD = ["CPU load", "Filesystem /", 'a "b', '"quoted"', "back\\slash\\t", "tab\there", "zero\u200bwidth", "line\u2028"]


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[SimulatedSite]:
    with SimulatedSite() as site:
        services = [{"host_name": "web01", "description": name, "state": 2} for name in ODD]
        hosts = [{"name": "web01", "state": 1}, {"name": "web02", "parents": ["web01"]}, {"name": "web010"}]
        site.seed_monitoring({"hosts": hosts, "services": services})
        use_site(monkeypatch, site)
        yield site


@pytest.fixture
def cmk(site: SimulatedSite) -> Iterator[Checkmk]:
    with site.client() as client:
        yield client


def _objects(cmk: Checkmk) -> list[str]:
    return [str(downtime.object) for downtime in cmk.downtimes.each()]


def test_a_downtime_is_created_listed_changed_and_deleted(cmk: Checkmk, sync: Run) -> None:
    done = sync("downtimes", "create", "web01", "--for", "2h", "--comment", "reboot", "--yes")
    assert (done.code, done.out) == (0, "downtime created\ncreated: 1\n")
    (row,) = sync("downtimes", "list", "--json").data
    assert (row["host"], row["service"], row["comment"]) == ("web01", "", "reboot")
    done = sync("downtimes", "modify", "--id", row["id"], "--extend", "1h", "--yes", "--json")
    assert done.data == {"outcome": "applied", "modified": 1}
    (longer,) = sync("downtimes", "list", "web01", "--json").data
    assert longer["end"] > row["end"]
    assert sync("downtimes", "delete", "web01", "--yes").out == "downtime deleted\ndeleted: 1\n"
    assert sync("downtimes", "delete", "web01", "--yes").out == "nothing to delete\n"
    assert not sync("downtimes", "list", "--json").data


def test_children_are_included_only_if_they_are_requested(cmk: Checkmk, sync: Run) -> None:
    create = ("downtimes", "create", "web01", "--for", "1h", "--comment", "c", "--yes")
    assert sync(*create).code == 0
    assert _objects(cmk) == ["web01"]
    assert sync(*create, "--include-children").code == 0
    assert sorted(_objects(cmk)) == ["web01", "web01", "web02"]


def test_two_times_of_tomorrow_are_of_the_same_day(cmk: Checkmk, sync: Run) -> None:
    times = ("--start", "tomorrow 06:00 UTC", "--until", "tomorrow 08:00 UTC")
    assert sync("downtimes", "create", "web01", *times, "--comment", "c", "--yes").code == 0
    (found,) = cmk.downtimes.each()
    assert found.end - found.start == dt.timedelta(hours=2)


def test_an_incomplete_query_is_refused_before_it_is_sent(site: SimulatedSite, sync: Run) -> None:
    refused = sync("acknowledge", "--service-query", '{"op": "and"}', "--comment", "c", "--yes")
    assert refused.code == 2
    assert "a query must consist of expressions such as" in refused.err
    assert not [request for request in site.requests if "collections" in request.path]


def test_a_repeated_command_can_ensure_one_downtime(cmk: Checkmk, sync: Run) -> None:
    for end in ("1h", "2h"):
        create = ("downtimes", "create", "web01", "web02", "--for", end, "--comment", "c", "--ensure", "--yes")
        assert sync(*create, "--json").data["created"] == 2
    assert sorted(_objects(cmk)) == ["web01", "web02"]


def test_a_command_that_the_core_has_not_executed_is_unknown(sync: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with SimulatedSite(hosts=1, services=0, command_delay=3600) as slow:
        use_site(monkeypatch, slow)
        done = sync("downtimes", "create", "host00000", "--for", "2h", "--comment", "c", "--timeout", "1", "--yes")
    assert done.code == 5
    message = "unknown whether it was created: the monitoring core has not executed the command within 1 s"
    assert f"host00000: {message}" in done.err
    assert "check with: checkmk-sync downtimes list" in done.err


def test_a_stopped_command_is_checked_and_not_repeated(sync: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with SimulatedSite(hosts=1, services=0, command_delay=3600) as slow:
        use_site(monkeypatch, slow)
        monkeypatch.setattr("checkmk_sync.core.clock.SystemClock.sleep", stop)
        done = sync("downtimes", "create", "host00000", "--for", "2h", "--comment", "c", "--yes")
    assert done.code == 130
    assert "stopped; the site may have executed the command. Check with: checkmk-sync downtimes list" in done.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("", "give either the names of hosts or services, or one of --host-group"),
        ("web01 --host-group linux", "give either the names of hosts or services"),
        ("web01/", "'web01/' does not name a service after the slash"),
        ("web1", "web1 is not monitored"),
        ("web01 web_1", "1 of 2 created; the others:\nweb_1: not created: 404 web_1 is not monitored"),
    ],
)
def test_targets_are_exact(cmk: Checkmk, sync: Run, words: str, message: str) -> None:
    done = sync("downtimes", "create", *words.split(), "--for", "1h", "--comment", "c", "--yes")
    assert done.code == (1 if "1 of 2" in message else 2)
    assert message in done.err
    assert _objects(cmk) == (["web01"] if "1 of 2" in message else [])


@pytest.mark.parametrize("words", ["web01/", "web01 --host-group linux", '--host-query {"op":"or","expr":[]}'])
def test_a_list_refuses_a_target_that_is_not_valid(site: SimulatedSite, sync: Run, words: str) -> None:
    refused = sync("downtimes", "list", *words.split())
    assert refused.code == 2
    assert refused.err.startswith("Error: ")


def test_names_are_read_back_exactly(cmk: Checkmk, sync: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ODD:
        assert read_name_line(name_line(["web01", name])) == ["web01", name]
        assert len(name_line([name, name]).splitlines()) == 1
    names = sync("services", "list", "--state", "critical", "-o", "name").out
    monkeypatch.setattr(sys, "stdin", io.StringIO(names))
    done = sync("acknowledge", "-", "--comment", "ticket 4711", "--yes")
    assert (done.code, done.out) == (0, f"acknowledged\nacknowledged: {len(ODD)}\n")
    assert {found.object.service for found in cmk.acknowledgements.each()} == set(ODD)
    listed = sync("acknowledgements", "list", "-o", "name").out
    assert sorted(listed.splitlines()) == sorted(names.splitlines())
    monkeypatch.setattr(sys, "stdin", io.StringIO(listed))
    assert sync("unacknowledge", "-", "--yes").code == 0
    assert not list(cmk.acknowledgements.each())


def test_exactly_the_listed_downtimes_are_deleted(cmk: Checkmk, sync: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for comment in ("old", "new"):
        for target in (Target.host("web01"), Target.services("web01", "CPU load")):
            assert cmk.downtimes.create(target, end="1h", comment=comment).ok
    monkeypatch.setattr(sys, "stdin", io.StringIO(sync("downtimes", "list", "--search", "old", "-o", "name").out))
    assert sync("downtimes", "delete", "-", "--yes", "--json").data["deleted"] == 2
    assert [downtime.comment for downtime in cmk.downtimes.each()] == ["new", "new"]


def test_an_empty_pipe_and_another_format_change_nothing(
    cmk: Checkmk, sync: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    for text, message in (
        ("", "contains no names"),
        ("web01\tDOWN\tx\n", "print the list with -o name"),
        ('web01\t"CPU\n', "print the list with -o name"),
    ):
        monkeypatch.setattr(sys, "stdin", io.StringIO(text))
        done = sync("acknowledge", "-", "--comment", "c", "--yes")
        assert done.code == 2
        assert message in done.err
    assert not list(cmk.acknowledgements.each())


def test_bytes_that_are_not_text_change_nothing(sync: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"web01\xff\n"), "utf-8"))
    done = sync("acknowledge", "-", "--comment", "c", "--yes")
    assert (done.code, done.err) == (2, "Error: the names on standard input are not valid utf-8\n")


def test_comments_are_added_and_deleted(cmk: Checkmk, sync: Run) -> None:
    assert sync("comments", "create", "web01", "web02", "web01/CPU load", "--comment", "fan", "--yes").code == 0
    rows = sync("comments", "list", "--search", "fan", "--json").data
    assert [(row["host"], row["service"]) for row in rows] == [("web01", ""), ("web02", ""), ("web01", "CPU load")]
    assert sync("comments", "delete", "web01", "--yes", "--json").data["deleted"] == 1
    assert len(list(cmk.comments.each())) == 2


def _on_terminal(words: str, names: str, answer: str) -> tuple[int, str, str]:
    """Run a command with names on stdin and an answer on its terminal. Return the code, stderr, and the question."""
    master, slave = pty.openpty()
    # The first terminal that the leader of a new session opens becomes its terminal.
    start = "import os, sys; os.open(sys.argv[1], os.O_RDWR); os.execv(sys.executable, [sys.executable, *sys.argv[2:]])"
    command = [sys.executable, "-c", start, os.ttyname(slave), "-m", "checkmk_sync", *words.split()]
    with open(master, "rb", buffering=0) as screen:
        try:
            os.write(master, answer.encode())
            done = subprocess.run(
                command, input=names, capture_output=True, text=True, start_new_session=True, timeout=60, check=False
            )
        finally:
            os.close(slave)
        shown = b""
        with contextlib.suppress(OSError):  # Linux ends the output of a closed terminal with EIO
            while part := screen.read(10_000):
                shown += part
        return done.returncode, done.stderr, shown.decode()


WORDS = "acknowledge - --comment c"


def test_the_answer_comes_from_the_terminal(cmk: Checkmk) -> None:
    code, shown, question = _on_terminal(WORDS, "web01\nweb02\nweb01\tCPU load\n", "n\n")
    assert "Acknowledge problems of 2 objects with 'c'.\n" in shown
    assert "  web01\n  web01: CPU load\n  nothing to do for: web02\n" in shown
    assert code == 2
    assert "Continue? [y/N]:" in question
    assert not list(cmk.acknowledgements.each())
    code, *_ = _on_terminal(WORDS, "web01\ny\n", "n\n")
    assert code == 2
    code, *_ = _on_terminal(WORDS, "web01\nweb02\n", "y\n")
    assert code == 0
    assert [str(found.object) for found in cmk.acknowledgements.each()] == ["web01"]


def test_without_a_terminal_only_yes_counts(cmk: Checkmk) -> None:
    command = [sys.executable, "-m", "checkmk_sync", *WORDS.split()]
    done = subprocess.run(
        command, input="web01\ny\n", capture_output=True, text=True, start_new_session=True, timeout=60, check=False
    )
    assert done.returncode == 2
    assert "cannot ask for confirmation, because there is no terminal; give --yes" in done.stderr
    assert not list(cmk.acknowledgements.each())
