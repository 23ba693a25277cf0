"""A journal makes a batch resumable, even after kill -9, and does not reveal the items."""

from __future__ import annotations

import collections
import functools
import json
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkmk_sync.batch import BatchProcessor, BatchStatus, Skip
from checkmk_sync.batch.journal import default_key
from checkmk_sync.errors import SettingsError

CHILD = """\
import os, sys, time
from checkmk_sync.batch import BatchProcessor

record = os.open(sys.argv[2], os.O_WRONLY | os.O_CREAT | os.O_APPEND)

def work(number):
    time.sleep(0.002)
    os.write(record, b"%d\\n" % number)

result = BatchProcessor(max_concurrent=4, journal=sys.argv[1]).process_batch(range(400), work, batch_id="all")
print(result.progress.success, result.progress.resumed)
"""


def _start(journal: Path, record: Path) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", CHILD, str(journal), str(record)], stdout=subprocess.PIPE, text=True)


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


def _recorded(journal: Path) -> set[str]:
    """Return the keys of the finished items, read without the code under test."""
    whole = [line for line in journal.read_text().splitlines(keepends=True) if line.endswith("\n")][1:]
    return {entry["key"] for entry in map(json.loads, whole) if entry["status"] == "success"}


def test_recorded_items_are_not_repeated_after_kill_9(tmp_path: Path) -> None:
    journal, record = tmp_path / "journal", tmp_path / "record"
    done_at_kill: set[str] = set()
    for wanted in (40, 150, 300):
        child = _start(journal, record)
        while len(_lines(journal)) < wanted and child.poll() is None:
            time.sleep(0.002)
        child.send_signal(signal.SIGKILL)
        child.communicate()
        done_at_kill |= _recorded(journal)
        assert len(done_at_kill) >= wanted - 2
    child = _start(journal, record)
    output, _ = child.communicate(timeout=30)
    runs = collections.Counter(_lines(record))
    assert set(runs) == _recorded(journal) == {str(number) for number in range(400)}
    assert output.split() == [str(400 - len(done_at_kill)), str(len(done_at_kill))]
    again = {key for key, count in runs.items() if count > 1}
    assert len(again) <= 3 * 4, "only items that were running when the process was killed"
    assert sum(runs.values()) - 400 <= 3 * 4


def _fails_for(*bad: str) -> Callable[[dict[str, Any]], str]:
    def work(item: dict[str, Any]) -> str:
        if item["host_name"] in bad:
            raise ValueError(f"{item} is wrong")
        if item["host_name"] == "skipped":
            raise Skip("nothing to do")
        return "result of " + item["host_name"]

    return work


HOSTS = [{"host_name": name, "attributes": {"snmp_community": "hunter2"}} for name in ("a", "b", "skipped", "c")]


def test_a_resumed_batch_repeats_only_failed_items(tmp_path: Path) -> None:
    processor = BatchProcessor(journal=tmp_path / "journal")
    first = processor.process_batch(HOSTS, _fails_for("b"))
    assert [item.status.value for item in first.items] == ["success", "failed", "skipped", "success"]
    second = processor.process_batch(HOSTS, _fails_for())
    assert second.batch_id == first.batch_id
    assert [item.resumed for item in second.items] == [True, False, True, True]
    assert [item.status.value for item in second.items] == ["skipped", "success", "skipped", "skipped"]
    assert second.items[0].reason == "already done, according to the journal"
    assert (second.progress.success, second.progress.skipped, second.progress.resumed) == (1, 3, 3)
    assert processor.process_batch(HOSTS, _fails_for("a", "b", "c")).progress.resumed == 4


def test_a_journal_is_private_and_contains_no_items_or_results(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    BatchProcessor(journal=path).process_batch(HOSTS, _fails_for("b"))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    text = path.read_text()
    assert "hunter2" not in text
    assert "result of" not in text
    entries = {entry["key"]: entry for entry in map(json.loads, text.splitlines()[1:])}
    assert entries.keys() == {"a", "b", "skipped", "c"}
    assert (entries["b"]["status"], entries["b"]["error"], entries["b"]["attempts"]) == ("failed", "ValueError", 1)


@given(cut=st.integers(1, 10_000))
def test_an_incomplete_last_line_is_removed(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    path = tmp_path_factory.mktemp("torn") / "journal"
    BatchProcessor(journal=path).process_batch(range(8), str, batch_id="x")
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) - cut % len(whole)])
    kept = max(0, path.read_bytes().count(b"\n") - 1)
    result = BatchProcessor(journal=path).process_batch(range(8), str, batch_id="x")
    assert (result.progress.resumed, result.progress.success) == (kept, 8 - kept)
    assert BatchProcessor(journal=path).process_batch(range(8), str, batch_id="x").progress.resumed == 8


WHOLE = b'{"key":"1","status":"success","attempts":1,"at":0}'
DAMAGED = {
    "nuls": b"\0" * 20,
    "nothing": b"",
    "blanks": b"  ",
    "brackets": b"[" * 100_000,
    "objects": b'{"a":' * 100_000,
    "list as key": b'{"key":[],"status":"success"}',
    "object as key": b'{"key":{},"status":"success"}',
    "number as key": b'{"key":1,"status":"success"}',
    "no key": b'{"status":"success"}',
    "list as status": b'{"key":"1","status":[]}',
    "no status": b'{"key":"1"}',
    "other status": b'{"key":"1","status":"done"}',
    "other type": b'["key","1"]',
    "text": b'"1"',
    "huge number": b'{"key":"1","status":"success","attempts":' + b"7" * 5000 + b"}",
    "not utf-8": WHOLE.replace(b'"1"', b'"\xff"'),
    "utf-16": WHOLE.decode().encode("utf-16-le").replace(b"\n", b""),
    "cut": WHOLE[:25],
    "cut and joined": WHOLE[:25] + WHOLE,
    "longer than the limit": WHOLE[:-1] + b',"x":"' + b"y" * 3_000_000 + b'"}',
}


@pytest.mark.parametrize("damage", DAMAGED)
@pytest.mark.parametrize("number", [1, 2, 4])
def test_the_item_of_a_damaged_line_runs_again(
    tmp_path: Path, damage: str, number: int, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "journal"
    BatchProcessor(max_concurrent=1, journal=path).process_batch(range(4), str)
    lines = path.read_bytes().splitlines(keepends=True)
    lines[number] = DAMAGED[damage] + b"\n"
    path.write_bytes(b"".join(lines))
    result = BatchProcessor(journal=path).process_batch(range(4), str)
    assert [item.resumed for item in result.items] == [index != number - 1 for index in range(4)]
    message = f"{path}:{number + 1}: this line of the journal is damaged, so its item runs again"
    assert [record.getMessage() for record in caplog.records] == [message]
    assert BatchProcessor(journal=path).process_batch(range(4), str).progress.resumed == 4, (
        "the second run recorded the item"
    )


def test_only_the_first_damaged_line_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "journal"
    BatchProcessor(max_concurrent=1, journal=path).process_batch(range(50), str)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([lines[0], *[line[9:] for line in lines[1:]]]))
    assert BatchProcessor(journal=path).process_batch(range(50), str).progress.success == 50
    (record,) = caplog.records
    assert record.getMessage() == (
        f"{path}:2: this line of the journal is damaged, so its item runs again (49 more lines are damaged as well)"
    )


@pytest.mark.parametrize("head", [b"[" * 100_000, b'{"kind":' + b"7" * 5000 + b"}", b"\xff\xfe", b"x" * 3_000_000])
def test_a_file_with_a_damaged_first_line_is_not_changed(tmp_path: Path, head: bytes) -> None:
    path = tmp_path / "journal"
    path.write_bytes(head + b"\n" + WHOLE + b"\n")
    before = path.read_bytes()
    with pytest.raises(SettingsError, match="is not a batch journal"):
        BatchProcessor(journal=path).process_batch([1], str)
    assert path.read_bytes() == before


def test_a_journal_of_another_batch_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    BatchProcessor(journal=path).process_batch([1], str, batch_id="create-host")
    with pytest.raises(SettingsError, match="belongs to batch 'create-host', not 'delete-host'") as caught:
        BatchProcessor(journal=path).process_batch([1], str, batch_id="delete-host")
    assert caught.value.file == str(path)


@pytest.mark.parametrize("content", [b"name,folder\nweb01,/\n", b"no end", b'{"kind": "else"}\n', b"[]\n", b"\0\n"])
def test_a_file_that_is_not_a_journal_is_not_changed(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "hosts.csv"
    path.write_bytes(content)
    path.chmod(0o644)
    with pytest.raises(SettingsError, match="is not a batch journal"):
        BatchProcessor(journal=path).process_batch([1], str)
    assert path.read_bytes() == content
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


@pytest.mark.parametrize("name", ["", "nowhere/journal", "/dev/null"])
def test_an_unusable_journal_path_is_refused_before_any_item_starts(tmp_path: Path, name: str) -> None:
    started: list[int] = []
    with pytest.raises(SettingsError, match="cannot be opened|must be a file"):
        BatchProcessor(journal=tmp_path / name).process_batch([1], started.append)
    assert started == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_process_can_open_the_journal_that_its_parent_has_closed(tmp_path: Path) -> None:
    code = (
        "import os, sys\nfrom checkmk_sync.batch.journal import Journal\n"
        "arguments = (sys.argv[1], 'x', 'x', 'builtins.str')\n"
        "journal, (closed, close) = Journal(*arguments), os.pipe()\nchild = os.fork()\n"
        "if not child:\n    os.read(closed, 1)\n    Journal(*arguments).close()\n    os._exit(0)\n"
        "journal.close()\nos.write(close, b'x')\nsys.exit(os.waitpid(child, 0)[1] != 0)\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "journal")]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0


def test_a_journal_in_use_by_another_process_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    code = (
        "import sys\nfrom checkmk_sync.batch.journal import Journal\n"
        "journal = Journal(sys.argv[1], 'x', 'x', 'builtins.str')\nprint('open', flush=True)\nsys.stdin.read()\n"
    )
    command = [sys.executable, "-c", code, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        child.stdout.readline()
        with pytest.raises(SettingsError, match="in use by another process"):
            BatchProcessor(journal=path).process_batch([1], str)
    assert BatchProcessor(journal=path).process_batch([1], str).ok, (
        "the journal is free after the other process has ended"
    )


def test_a_journal_in_use_by_another_batch_of_this_process_is_refused(tmp_path: Path) -> None:
    path, link = tmp_path / "journal", tmp_path / "link"
    link.symlink_to(path)
    running = BatchProcessor(max_concurrent=1, journal=path).stream(range(100), str)
    next(running)
    for name in (path, link, os.path.relpath(path)):
        with pytest.raises(SettingsError, match="in use by another batch of this process"):
            BatchProcessor(journal=name).process_batch([1], str)
    # Opening and closing the file a second time would have released the lock of the first batch.
    code = (
        f"from checkmk_sync.batch import BatchProcessor; BatchProcessor(journal={str(path)!r}).process_batch([1], str)"
    )
    other = subprocess.run([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True, check=False)
    assert "in use by another process" in other.stderr
    running.close()
    assert BatchProcessor(journal=link).process_batch(range(9), str).ok


def _create(item: str) -> None:
    pass


def _delete(item: str) -> None:
    pass


def test_without_a_batch_id_a_journal_belongs_to_the_function(tmp_path: Path) -> None:
    processor = BatchProcessor(journal=tmp_path / "journal")
    assert processor.process_batch(["a"], _create).progress.success == 1
    with pytest.raises(SettingsError, match=r"runs .*_create, not .*_delete; pass its batch_id"):
        processor.process_batch(["a"], _delete)
    again = processor.process_batch(["a", "b"], functools.partial(_create))
    assert (again.progress.resumed, again.progress.success) == (1, 1)
    renamed = processor.process_batch(["c"], _delete, batch_id=again.batch_id)
    assert renamed.progress.success == 1


def test_a_second_item_with_the_same_key_fails(tmp_path: Path) -> None:
    services = [{"host_name": "web01", "service": "CPU"}, {"host_name": "web01", "service": "Memory"}]
    result = BatchProcessor(journal=tmp_path / "one").process_batch(services, lambda item: item["service"])
    assert [item.status for item in result.items] == [BatchStatus.SUCCESS, BatchStatus.FAILED]
    assert "web01 occurs twice" in result.items[1].reason
    processor = BatchProcessor(journal=tmp_path / "two", key=lambda item: f"{item['host_name']} {item['service']}")
    assert processor.process_batch(services, lambda item: item["service"]).progress.success == 2
    assert BatchProcessor().process_batch(services, str).progress.success == 2, (
        "without a journal, keys need not be unique"
    )


def test_only_a_journal_requires_keys(tmp_path: Path) -> None:
    thing = object()
    assert BatchProcessor().process_batch([thing], str).items[0].key == "item 0"
    result = BatchProcessor(journal=tmp_path / "journal").process_batch([thing], str)
    assert "give BatchProcessor a key= function" in result.items[0].reason


def test_default_keys_identify_items() -> None:
    assert [default_key(item) for item in ("web01", 7, {"host_name": "a", "id": 1}, {"id": 1}, ("b", {}))] == [
        *("web01", "7", "a", "1", "b")
    ]
    one, same, other = {"x": 1, "y": [2]}, {"y": [2], "x": 1}, {"x": 1, "y": [3]}
    assert default_key(one) == default_key(same) != default_key(other)
    assert default_key({"x": object()}) is None
    assert default_key(Path("/etc/hosts")) == "hosts"


def test_a_full_disk_stops_the_batch(tmp_path: Path) -> None:
    code = (
        "import resource, sys\nfrom checkmk_sync.batch import BatchProcessor\n"
        "from checkmk_sync.errors import BatchError\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (300, 300))\n"
        "try:\n"
        "    BatchProcessor(max_concurrent=1, journal=sys.argv[1]).process_batch(range(10**6), str)\n"
        "except BatchError as error:\n"
        "    statuses = {outcome.status.value for outcome in error.outcomes}\n"
        "    print(len(error.outcomes), isinstance(error.__cause__, OSError), statuses)\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "journal")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    count, is_os_error, statuses = done.stdout.split()
    assert (is_os_error, statuses) == ("True", "{'success'}"), "finished items keep their status"
    assert 1 <= int(count) < 20


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="needs Linux's list of open files")
def test_the_journal_is_closed_with_the_batch(tmp_path: Path) -> None:
    processor = BatchProcessor(journal=tmp_path / "journal")
    outcomes = processor.stream(range(100), str)
    next(outcomes)
    assert str(tmp_path / "journal") in _open_files()
    outcomes.close()
    assert str(tmp_path / "journal") not in _open_files()
    processor.process_batch(range(10), str)
    with pytest.raises(SettingsError):
        processor.process_batch(range(10), str, batch_id="another")
    assert str(tmp_path / "journal") not in _open_files()


def _open_files() -> set[str]:
    links = (f"/proc/self/fd/{number}" for number in os.listdir("/proc/self/fd"))
    return {os.readlink(link) for link in links if os.path.islink(link)}
