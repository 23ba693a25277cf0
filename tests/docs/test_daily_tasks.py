"""The command and the snippet of each guide for a daily task have the same effect in the core of the simulated site."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Callable, Iterator

import pytest

from checkmk_sync.testing import SimulatedSite
from tests.conftest import ROOT, Run, use_site
from tests.docs.test_examples import run_page

HOSTS = [f"host{number:05d}" for number in range(60)]
GUIDES = re.search(r":caption: Daily tasks\n\n(.*?)```", (ROOT / "docs/index.md").read_text("utf-8"), re.DOTALL)
Perform = Callable[[str, str], str]
BOTH = pytest.mark.parametrize("language", ["console", "python"])


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[SimulatedSite]:
    monkeypatch.chdir(tmp_path)
    with SimulatedSite(hosts=len(HOSTS), services=10) as running:
        use_site(monkeypatch, running)
        yield running


@pytest.fixture
def perform(site: SimulatedSite, sync: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Perform:
    """Return a function that runs the command or the snippet of a guide, and returns its output."""

    def run(page: str, language: str) -> str:
        return run_page(f"docs/{page}.md", sync, tmp_path, language) + capsys.readouterr().out

    return run


def _downtimes(site: SimulatedSite) -> dict[str, int]:
    rows = site.state.monitoring.command_rows("downtimes")
    return {row["host_name"]: row["end_time"] - row["start_time"] for row in rows}


def _acknowledged(site: SimulatedSite) -> list[tuple[str, str]]:
    core = site.state.monitoring
    hosts = [(row["name"], "") for row in core.host_rows() if row["acknowledged"]]
    return hosts + [(row["host_name"], row["description"]) for row in core.service_rows() if row["acknowledged"]]


def _services(site: SimulatedSite, host: str) -> int:
    return len(site.state.monitoring.hosts[host].services)


def _names_in(site: SimulatedSite, folder: str) -> list[str]:
    return sorted(name for name, host in site.state.configuration.hosts.items() if host.folder == folder)


def test_all_ten_tasks_have_a_guide_with_a_test() -> None:
    assert GUIDES is not None
    pages = re.findall(r"<(.*)>", GUIDES[1])
    assert len(pages) == 10
    text = Path(__file__).read_text("utf-8")
    assert [page for page in pages if f'perform("{page}"' not in text] == []


@BOTH
def test_a_downtime_of_two_hours_includes_children_of_children(
    site: SimulatedSite, perform: Perform, language: str
) -> None:
    perform("downtime-with-children", language)
    assert _downtimes(site) == dict.fromkeys(HOSTS[1:4], 7200)


@BOTH
def test_problems_of_a_list_are_acknowledged(site: SimulatedSite, perform: Perform, language: str) -> None:
    perform("acknowledge-problems", language)
    acknowledged = _acknowledged(site)
    listed = {("host00028", "CPU utilization"), ("host00028", "Filesystem /")}
    assert listed.issubset(acknowledged) is (language == "console")
    assert len({*acknowledged} - listed) == 3


@BOTH
def test_downtimes_and_acknowledgements_end(site: SimulatedSite, perform: Perform, language: str) -> None:
    perform("end-downtimes", language)
    assert (_downtimes(site), _acknowledged(site)) == ({}, [])
    paths = {request.path.rsplit("/objects/")[-1].rsplit("/domain-types/")[-1] for request in site.requests}
    assert {"downtime/actions/delete/invoke", "acknowledge/actions/delete/invoke"} <= paths


@BOTH
def test_an_added_host_is_monitored_with_its_services(site: SimulatedSite, perform: Perform, language: str) -> None:
    perform("add-hosts", language)
    assert _services(site, {"console": "web01", "python": "web02"}[language]) == 10


@BOTH
def test_a_renamed_host_stays_in_monitoring(site: SimulatedSite, perform: Perform, language: str) -> None:
    old, new = {"console": (HOSTS[1], "web01.example.com"), "python": (HOSTS[2], "web02.example.com")}[language]
    before = _services(site, old)
    perform("rename-hosts", language)
    assert old not in site.state.monitoring.hosts
    assert _services(site, new) == before


def test_an_unmonitored_host_is_explained(perform: Perform) -> None:
    assert f"{HOSTS[1]} is monitored, and it is UP" in perform("not-monitored", "console")
    assert "new in / is configured, but not activated: 1 pending change run: checkmk-sync activate" in perform(
        "not-monitored", "python"
    )


def test_fifty_hosts_are_moved(site: SimulatedSite, perform: Perform) -> None:
    perform("move-hosts", "console")
    assert _names_in(site, "/archive") == HOSTS[:50]
    perform("move-hosts", "python")
    assert _names_in(site, "/linux/web") == HOSTS[:50]


def test_a_cluster_of_two_is_created(site: SimulatedSite, perform: Perform) -> None:
    perform("clusters", "console")
    assert list(site.state.configuration.hosts["db"].nodes or ()) == HOSTS[1:3]
    perform("clusters", "python")
    assert list(site.state.configuration.hosts["mail"].nodes or ()) == [HOSTS[3], HOSTS[5]]
    assert {"db", "mail"} <= site.state.monitoring.hosts.keys()


@BOTH
def test_problems_are_listed(perform: Perform, language: str) -> None:
    assert HOSTS[19] in perform("problems", language)


@BOTH
def test_all_hosts_of_a_folder_are_discovered(site: SimulatedSite, perform: Perform, language: str) -> None:
    with site.client() as cmk:
        for name in ("new01", "new02"):
            cmk.hosts.create(name, "/")
        cmk.activation.activate(wait_for_hosts=["new01", "new02"])
        assert _services(site, "new01") == 2
        perform("discover-folder", language)
        cmk.activation.activate()
    assert [_services(site, name) for name in ("new01", "new02")] == [10, 10]
