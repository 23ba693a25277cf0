"""Lists on a terminal have one line per row, cut to the width, with coloured states and local times."""

from __future__ import annotations

import json
import re
import time
from typing import Any, Iterator

import pytest
from rich.cells import cell_len

from checkmk_sync.catalogue.states import HostState, ServiceState
from checkmk_sync.cli.console import local_time
from checkmk_sync.cli.table import STATE_STYLES
from checkmk_sync.testing import SimulatedSite
from tests.conftest import Run, Screen, Show

WIDE = "東京データセンター" * 4
LONG = "host-with-a-very-long-name-" + "x" * 200
EVIL = "a|b \x1b[31m\ttab \u202e\nnext [red]x[/red] \\ \"q\" 'q'"
COLOURS = {"green": "32", "yellow": "33", "red": "31", "magenta": "35", "cyan": "36"}
LISTS = [
    "hosts list",
    "hosts status",
    "folders list",
    "services list",
    "problems",
    "pending",
]


def _plain(line: str) -> str:
    return re.sub(r"\x1b\[[\d;]*m", "", line)


@pytest.fixture
def odd(site_for_cli: SimulatedSite) -> Iterator[SimulatedSite]:
    """A site with long, wide and hostile texts everywhere."""
    states = [0, 1, 2, 1]
    hosts = [{"name": name, "state": state} for name, state in zip(("web01", WIDE, LONG, "h2"), states)]
    services = [
        {"host_name": host["name"], "description": text, "state": state, "plugin_output": text}
        for host, text, state in zip(hosts, ("CPU load", WIDE, EVIL, LONG), (0, 1, 2, 3))
    ]
    site_for_cli.seed_monitoring({"hosts": [{**host, "plugin_output": EVIL} for host in hosts], "services": services})
    with site_for_cli.client() as cmk:
        deep = "/" + "/".join(f"folder{n:02d}" for n in range(12))
        cmk.folders.ensure(deep, title=WIDE)
        labels = {f"label{n}": "value" for n in range(12)}
        cmk.hosts.create("web01", deep, {"alias": WIDE, "ipaddress": "192.0.2.1", "labels": labels})
        cmk.hosts.create("web02", "/", {"alias": EVIL})
    yield site_for_cli


@pytest.mark.parametrize("width", [20, 40, 80, 200])
@pytest.mark.parametrize("line", LISTS)
def test_a_row_is_one_line_that_fits_the_terminal(
    odd: SimulatedSite, show: Show, sync: Run, line: str, width: int
) -> None:
    lines, err = show(line, width)
    rows = sync(*line.split(), "--json").data
    assert rows
    assert len(lines) == len(rows) + 1, "one line per row, and one for the header"
    plain = [_plain(text) for text in lines]
    assert max(map(cell_len, plain)) <= width
    assert all(text.isprintable() for text in plain)
    assert err == ""


def test_columns_share_the_width_sensibly(odd: SimulatedSite, show: Show) -> None:
    header, *rows = (_plain(line) for line in show("hosts list", 80)[0])
    assert header.split() == ["name", "folder", "ipaddress", "alias", "labels"]
    (web01,) = (row for row in rows if row.startswith("web01"))
    assert web01.split()[0] == "web01", "the name of the row is not cut while other columns can be"
    assert "192.0.2.1 " in web01, "short columns are not cut"
    assert web01.count("…") == 3, "the long columns share the rest"
    assert "/folder00" in web01 and "東京" in web01 and "label0:" in web01


def test_cells_that_fit_are_not_cut(site_for_cli: SimulatedSite, show: Show) -> None:
    lines, _ = show("hosts list", 60)
    assert [_plain(line).split()[:3] for line in lines[1:]] == [[f"host0000{n}", "/", f"10.0.0.{n}"] for n in range(3)]
    assert "…" not in "".join(lines)


def test_dots_replace_an_ellipsis_that_the_encoding_lacks(
    odd: SimulatedSite, show: Show, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Screen, "encoding", "ascii", raising=False)
    lines, _ = show("folders list", 40)
    assert max(map(len, map(_plain, lines))) <= 40
    assert "..." in lines[-1] and "…" not in "".join(lines)


# Colours


@pytest.mark.parametrize(("line", "kind"), [("hosts status", HostState), ("services list", ServiceState)])
def test_states_have_colours(site_for_cli: SimulatedSite, show: Show, line: str, kind: Any) -> None:
    states = [{"state": max(state.value, 0), "has_been_checked": int(state.value >= 0)} for state in kind]
    hosts = [{"name": f"h{n}", **(state if kind is HostState else {})} for n, state in enumerate(states)]
    services = [
        {"host_name": f"h{n}", "description": "CPU", **state} for n, state in enumerate(states) if kind is ServiceState
    ]
    site_for_cli.seed_monitoring({"hosts": hosts, "services": services})
    text = "\n".join(show(line)[0])
    for state in kind:
        assert f"\x1b[{COLOURS[STATE_STYLES[state.name]]}m{state.name}\x1b[0m" in text
    plain = "\n".join(show(line, NO_COLOR="1")[0])
    assert not re.search(r"\x1b\[3\dm", plain)
    assert "\x1b" not in "\n".join(show(line, TERM="dumb")[0])


@pytest.mark.parametrize("variable", ["FORCE_COLOR", "CLICOLOR_FORCE", "TTY_COMPATIBLE"])
def test_pipes_have_neither_colours_nor_tables(
    site_for_cli: SimulatedSite, sync: Run, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "1")
    for line in ("services list", "hosts status", "hosts get host00001", "pending"):
        result = sync(*line.split())
        assert "\x1b" not in result.out + result.err
    assert sync("hosts", "status").out.splitlines()[0].startswith("host00000\tUP\t")


def test_every_state_has_a_colour() -> None:
    assert set(STATE_STYLES) == {state.name for kind in (HostState, ServiceState) for state in kind}


# Empty lists


EMPTY = {
    "hosts list --search nope": "no match\n",
    "hosts list --folder /empty": "no match\n",
    "services list --search nope": "no match\n",
    "services list --host nope*": "no match\n",
    "services list --state unknown": "no match\n",
    "hosts status --search nope": "no match\n",
    "hosts status --state down": "no match\n",
    "problems --host nope*": "no match\n",
    "problems --label env=nope": "no match\n",
    "pending": "no changes are pending\n",
    "hosts list --limit 0": "",
    "services list --limit 0": "",
    "services list --search nope --limit 0": "",
}


@pytest.mark.parametrize("line", EMPTY)
def test_a_list_without_rows_says_so_on_a_terminal_only(
    site_for_cli: SimulatedSite, show: Show, sync: Run, line: str
) -> None:
    with site_for_cli.client() as cmk:
        cmk.folders.ensure("/empty")
        cmk.activation.activate()
    assert show(line) == ([], EMPTY[line])
    assert show(f"{line} --quiet") == ([], "")
    piped, as_json = sync(*line.split()), sync(*line.split(), "--json")
    assert (piped.code, piped.out, piped.err) == (0, "", "")
    assert (as_json.code, as_json.out, as_json.err) == (0, "[]\n", "")


# Times


@pytest.fixture
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patched:
        patched.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("2026-11-30T02:36:30.759514+00:00", "2026-11-30 03:36"),
        ("2026-07-01T22:30:00Z", "2026-07-02 00:30"),
        ("2026-07-01T22:30:00+02:00", "2026-07-01 22:30"),
        (1_764_500_000, "2025-11-30 11:53"),
        (1_764_500_000.5, "2025-11-30 11:53"),
        (0, 0),
        (None, None),
        ("", ""),
        ("yesterday", "yesterday"),
        (10**30, 10**30),
        (True, True),
    ],
)
def test_times_are_local_and_short(berlin: None, value: Any, shown: Any) -> None:
    assert local_time(value) == shown


def test_pending_changes_show_local_times(berlin: None, site_for_cli: SimulatedSite, show: Show, sync: Run) -> None:
    with site_for_cli.client() as cmk:
        cmk.hosts.create("new")
    (row,) = json.loads(sync("pending", "--json").out)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+\+00:00", row["time"])
    wanted = local_time(row["time"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d", wanted)
    assert sync("pending").out.split("\t")[0] == wanted
    assert _plain(show("pending")[0][1]).startswith(f"{wanted}  automation  create-host")
