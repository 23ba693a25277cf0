"""A command for many downtimes that was killed is repeated: no downtime is missing, and none is scheduled twice."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any, Callable, Optional

import pytest

from checkmk_sync.core.text import name_line
from checkmk_sync.testing import Fault, SimulatedSite
from tests.conftest import Run, use_site

CREATE = ("downtimes", "create", "-", "--for", "2h", "--comment", "patch", "--journal", "journal", "--yes")


def _seed(site: SimulatedSite, count: int, services: bool) -> list[tuple[str, str]]:
    hosts = [f"h{n:05d}" for n in range(count // 5 if services else count)]
    rows = [{"host_name": host, "description": f"S {n}"} for host in hosts for n in range(5)] if services else []
    site.seed_monitoring({"hosts": [{"name": name} for name in hosts], "services": rows})
    return [(row["host_name"], row["description"]) for row in rows] or [(name, "") for name in hosts]


def _run(objects: list[tuple[str, str]], started: Optional[list[int]] = None) -> Any:
    """Run the command for these objects. Its process ID is appended to ``started``."""
    command = [sys.executable, "-m", "checkmk_sync", *CREATE]
    streams = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, text=True, **streams) as process:  # type: ignore[call-overload]
        if started is not None:
            started.append(process.pid)
        out, err = process.communicate("\n".join(map(name_line, objects)), timeout=120)
    return subprocess.CompletedProcess(command, process.returncode, out, err)


def _kill_at(site: SimulatedSite, number: int) -> list[int]:
    """Kill the program whose process ID is in the returned list when it sends its request with this number."""
    seen: list[str] = []
    started: list[int] = []

    def on_request(method: str, path: str) -> None:
        if method == "POST" and "downtime" in path:
            seen.append(path)
            if len(seen) == number:
                os.kill(started[0], signal.SIGKILL)

    site.on_request(on_request)
    return started


def _counts(site: SimulatedSite) -> dict[tuple[str, str], int]:
    return {of: len(rows) for of, rows in site.state.monitoring.commands.downtimes.items() if rows}


@pytest.mark.parametrize(
    ("version", "count", "services", "number"),
    [
        ("2.2.0p44", 500, False, 2),
        ("2.3.0p41", 500, True, 3),
        ("2.4.0p18", 500, False, 1),
        *(
            pytest.param(version, 5000, services, number, marks=pytest.mark.slow)
            for version, number in (("2.2.0p44", 2), ("2.4.0p18", 7), ("2.5.0p9", 10))
            for services in (False, True)
        ),
    ],
)
def test_a_killed_command_is_resumed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, count: int, services: bool, number: int
) -> None:
    monkeypatch.chdir(tmp_path)
    with SimulatedSite(version=version, command_delay=1) as site:
        use_site(monkeypatch, site)
        objects = _seed(site, count, services)
        assert _run(objects, _kill_at(site, number)).returncode == -signal.SIGKILL
        site.on_request(None)
        journal = Path("journal")
        assert stat.S_IMODE(journal.stat().st_mode) == 0o600
        before = len(site.requests)
        done = _run(objects)
        assert (done.returncode, done.stderr) == (0, "")
        assert _counts(site) == dict.fromkeys(objects, 1)
        assert not journal.exists()
        ends = {row["end_time"] for rows in site.state.monitoring.commands.downtimes.values() for row in rows}
        assert len(ends) == 1, "the second run continues the times of the first one"
        # A request for every 500 objects, and a few reads of all objects; without POST, reads are for fewer services.
        assert len(site.requests) - before < count / 100 + (count / 4 if version < "2.3" else count / 10)
        assert _run(objects).returncode == 0
        assert _counts(site) == dict.fromkeys(objects, 1), "after its end, the command can be repeated"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.chdir(tmp_path)
    with SimulatedSite() as site:
        use_site(monkeypatch, site)
        yield site


def _killed_before_sending(site: SimulatedSite, sync: Run, objects: list[tuple[str, str]]) -> None:
    """Leave the journal of a run that was killed after it had noted the first object."""
    site.seed_monitoring({"hosts": [{"name": objects[1][0]}], "services": []})
    site.state.monitoring.commands.delay_s = 3600.0
    assert sync(*CREATE[:2], objects[1][0], *CREATE[3:], "--timeout", "1").code == 5
    head, line = Path("journal").read_text().splitlines()
    noted = json.dumps(objects[1][0])
    Path("journal").write_text(f"{head}\n{line.replace(noted, noted.replace(objects[1][0], objects[0][0]))}\n[[")
    site.state.monitoring.commands.delay_s = 0.0
    site.state.monitoring.commands.downtimes.clear()


def test_an_object_whose_command_may_have_been_sent_is_unknown_and_never_sent_again(
    site: SimulatedSite, sync: Run
) -> None:
    names = [("a", ""), ("b", "")]
    _killed_before_sending(site, sync, names)
    _seed_names(site, names)
    create = (*CREATE[:2], "a", "b", *CREATE[3:], "--timeout", "1")
    for _ in range(2):
        done = sync(*create)
        assert done.code == 5
        assert "a: unknown whether it was created" in done.err
        assert _counts(site) == {("b", ""): 1}
    # The core executes the command of the first run after all.
    body = next(r.body for r in site.requests if r.method == "POST" and "downtime" in r.path)
    with site.client() as cmk:
        assert cmk.downtimes.create("a", start=body["start_time"], end=body["end_time"], comment="patch").ok
    assert sync(*create).code == 0
    assert _counts(site) == {("a", ""): 1, ("b", ""): 1}
    assert not Path("journal").exists()


def _seed_names(site: SimulatedSite, names: list[tuple[str, str]]) -> None:
    site.seed_monitoring({"hosts": [{"name": host} for host, _ in names], "services": []})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda words: [*words, "--comment", "other"], "belongs to another command"),
        (lambda words: [*words, "--for", "3h"], "belongs to another command"),
        (lambda words: [*words, "--flexible", "30m"], "belongs to another command"),
        (lambda words: [*words, "--journal", "damaged"], "the journal is damaged"),
        (lambda words: [*words, "--journal", "folder"], "cannot be opened"),
        (lambda words: [*words, "--journal", "notes.txt"], "is not a journal of a command"),
        (lambda words: [*words, "--journal", "list.json"], "is not a journal of a command"),
    ],
)
def test_a_journal_that_does_not_fit_is_refused(
    site: SimulatedSite, sync: Run, change: Callable[[list[str]], list[str]], message: str
) -> None:
    names = [("a", ""), ("b", "")]
    _killed_before_sending(site, sync, names)
    _seed_names(site, names)
    Path("folder").mkdir()
    Path("notes.txt").write_text("my notes")
    Path("list.json").write_text(json.dumps([1]) + "\n")
    before = Path("journal").read_text()
    Path("damaged").write_text(before.replace("objects", "obj"))
    done = sync(*change([*CREATE[:2], "a", "b", *CREATE[3:]]))
    assert done.code == 2
    assert message in done.err
    assert not _counts(site)
    assert (Path("journal").read_text(), Path("notes.txt").read_text()) == (before, "my notes")


def test_a_refused_request_is_sent_again_and_half_a_head_is_an_empty_journal(site: SimulatedSite, sync: Run) -> None:
    _seed_names(site, [("a", ""), ("b", "")])
    Path("journal").write_text('{"kind":"checkmk_sync comm')
    refusal = {"title": "Forbidden", "status": 403, "detail": "no"}
    site.set_faults([Fault("answer", writes=True, status=403, body=refusal, content_type="application/problem+json")])
    create = (*CREATE[:2], "a", "b", *CREATE[3:])
    assert sync(*create).code == 2
    site.set_faults([])
    assert sync(*create).code == 0
    assert _counts(site) == {("a", ""): 1, ("b", ""): 1}
    assert not Path("journal").exists()


def test_the_preview_shows_the_times_of_the_first_run(site: SimulatedSite, sync: Run) -> None:
    from checkmk_sync.commands.handlers.downtimes import preview_create

    _killed_before_sending(site, sync, [("a", ""), ("b", "")])
    _seed_names(site, [("a", ""), ("b", "")])
    command = json.loads(Path("journal").read_text().splitlines()[0])["command"]
    facts = {"start": "now", "end": "9h", "zone": None, "comment": "patch", "ensure": False, "journal": "journal"}
    with site.client() as cmk:
        preview = preview_create(cmk, objects=["a"], include_children=False, **facts)
    import datetime as dt

    end = dt.datetime.fromisoformat(preview.fixed_arguments["end"])
    assert end.timestamp() == command["end"]
    assert end.isoformat() in preview.summary


@pytest.mark.parametrize("option", [("--journal", "journal"), ("--include-children",)])
def test_some_options_are_for_hosts_or_for_services(
    sync: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, option: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    with SimulatedSite() as site:
        use_site(monkeypatch, site)
        _seed(site, 5, services=True)
        names = ("h00000", "h00000/S 1")
        done = sync("downtimes", "create", *names, "--for", "2h", "--comment", "c", "--yes", *option)
        assert done.code == 2
        assert "with a journal or with children, give either hosts or services" in done.err
        assert not site.state.monitoring.commands.downtimes
