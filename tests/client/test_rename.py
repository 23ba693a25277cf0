"""Hosts are renamed with the protocol of each version, and the outcome is settled by reading."""

from __future__ import annotations

from typing import Any, Iterator

import pytest

from checkmk_sync import Checkmk
from checkmk_sync.catalogue.labels import ADOPTED_LABEL
from checkmk_sync.client.outcomes import is_uncertain
from checkmk_sync.errors import (
    BadRequestError,
    CheckmkError,
    ConflictError,
    JobError,
    NotFoundError,
    WaitTimeoutError,
)
from checkmk_sync.testing import Fault, ManualClock, SimulatedSite
from tests.client.conftest import sent

VERSIONS = ["2.2.0p44", "2.3.0p41", "2.4.0p18", "2.5.0p9"]
RENAME = "actions/rename/invoke"


def _prepare(site: SimulatedSite, cmk: Checkmk) -> None:
    cmk.hosts.create("old", "/", {"labels": {ADOPTED_LABEL: "old", "env": "prod"}})
    cmk.hosts.create("child", "/", {"parents": ["old"]})
    site.state.configuration.changes.clear()


@pytest.fixture(params=VERSIONS)
def of_version(request: pytest.FixtureRequest, clock: ManualClock) -> Iterator[tuple[SimulatedSite, Checkmk]]:
    with SimulatedSite(request.param, clock=clock) as site, site.client(clock=clock) as cmk:
        _prepare(site, cmk)
        yield site, cmk


@pytest.fixture
def prepared(site: SimulatedSite, cmk: Checkmk) -> SimulatedSite:
    _prepare(site, cmk)
    return site


def _names(site: SimulatedSite) -> set[str]:
    return set(site.state.configuration.hosts)


def _renames(site: SimulatedSite) -> int:
    return sum(RENAME in line for line in sent(site))


def test_a_rename_is_awaited_and_references_follow(of_version: tuple[SimulatedSite, Checkmk]) -> None:
    site, cmk = of_version
    renamed = cmk.hosts.rename("old", "new")
    assert (renamed.name, renamed.attributes["labels"]) == ("new", {ADOPTED_LABEL: "new", "env": "prod"})
    assert _names(site) == {"new", "child"}
    assert cmk.hosts.get("child").attributes["parents"] == ["new"]
    waits = {line.split()[0] for line in sent(site) if "wait-for-completion" in line}
    assert waits == {"2.2": set(), "2.3": {"POST"}, "2.4": {"GET"}, "2.5": {"GET"}}[cmk.version().checkmk[:3]]


def test_a_pending_change_prevents_a_rename(of_version: tuple[SimulatedSite, Checkmk]) -> None:
    site, cmk = of_version
    cmk.hosts.update("child", update_attributes={"alias": "x"})
    with pytest.raises(ConflictError, match=r"while changes are pending; activate them first") as caught:
        cmk.hosts.rename("old", "new")
    assert not is_uncertain(caught.value)
    cmk.activation.activate()
    assert cmk.hosts.rename("old", "new").name == "new"


@pytest.mark.parametrize("kind", ["reset_after", "cut"])
def test_a_rename_without_an_answer_is_found(of_version: tuple[SimulatedSite, Checkmk], kind: str) -> None:
    site, cmk = of_version
    site.set_faults([Fault(kind, path=RENAME, times=1)])
    assert cmk.hosts.rename("old", "new").attributes["labels"][ADOPTED_LABEL] == "new"
    assert _renames(site) == 1


def test_a_rename_that_did_not_arrive_is_unknown(of_version: tuple[SimulatedSite, Checkmk]) -> None:
    site, cmk = of_version
    site.set_faults([Fault("reset_before", path=RENAME, times=1)])
    with pytest.raises(CheckmkError) as caught:
        cmk.hosts.rename("old", "new")
    assert is_uncertain(caught.value)
    assert _names(site) == {"old", "child"}


def test_a_rename_that_outlasts_the_time_limit_is_unknown(prepared: SimulatedSite, cmk: Checkmk) -> None:
    prepared.state.jobs.duration_s = 100
    with pytest.raises(WaitTimeoutError, match="the rename of old") as caught:
        cmk.hosts.rename("old", "new", timeout_s=3)
    assert is_uncertain(caught.value)
    with pytest.raises(ConflictError, match="already running") as refused:
        cmk.hosts.rename("child", "other")
    assert not is_uncertain(refused.value)
    assert _names(prepared) == {"new", "child"}, "the second call has waited for the first rename"


def test_a_rename_that_fails_is_an_error_with_its_log(
    prepared: SimulatedSite, cmk: Checkmk, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing: Any = lambda *_: ("exception", ["no space left"])  # noqa: E731
    monkeypatch.setattr(prepared.state.jobs, "_rename", failing)
    with pytest.raises(JobError, match="^old was not renamed to new; the log of the job .*no space left") as caught:
        cmk.hosts.rename("old", "new")
    assert (caught.value.state, is_uncertain(caught.value)) == ("exception", False)


def test_refusals_are_not_applied(prepared: SimulatedSite, cmk: Checkmk) -> None:
    for names, kind in [(("nope", "new"), NotFoundError), (("old", "child"), BadRequestError)]:
        with pytest.raises(kind) as caught:
            cmk.hosts.rename(*names)
        assert not is_uncertain(caught.value)
    with pytest.raises(ValueError, match="a b"):
        cmk.hosts.rename("old", "a b")
    assert cmk.hosts.rename("old", "old").name == "old"
    assert not prepared.state.configuration.changes


def test_a_label_that_cannot_be_changed_is_reported(prepared: SimulatedSite, cmk: Checkmk) -> None:
    prepared.set_faults([Fault("reset_before", method="PUT", path="/host_config/new$", times=1)])
    with pytest.raises(
        CheckmkError, match="^old was renamed to new, but its label .* could not be changed: "
    ) as caught:
        cmk.hosts.rename("old", "new")
    assert is_uncertain(caught.value)


@pytest.mark.parametrize("place", [RENAME, "wait-for-completion|objects/host_config/new$", ""])
@pytest.mark.parametrize("kind", sorted(set(Fault.kinds()) - {"slow_hosts", "late"}))
def test_no_outcome_contradicts_the_site(
    of_version: tuple[SimulatedSite, Checkmk], clock: ManualClock, kind: str, place: str
) -> None:
    site, cmk = of_version
    site.set_faults([Fault(kind, path=place, times=2)])
    try:
        renamed = cmk.hosts.rename("old", "new", timeout_s=30)
        status = "applied" if renamed.attributes["labels"][ADOPTED_LABEL] == "new" else "wrong label"
    except CheckmkError as error:
        status = "unknown" if is_uncertain(error) else "not applied"
    site.set_faults([])
    clock.advance(1000)
    assert cmk.hosts.find("child", fresh=True) is not None
    is_renamed = "new" in _names(site)
    assert status == "unknown" or (status == "applied") is is_renamed
    assert _renames(site) <= 1 or kind == "repeat", "only the web server has sent it twice"


@pytest.mark.parametrize("version", ["2.2.0p44", "2.3.0p41", "2.4.0p18"])
def test_a_late_rename_is_awaited(version: str) -> None:
    """Runs in real time. The site starts the rename after the connection has broken."""
    with SimulatedSite(version, discovery_time=0.2) as site, site.client(timeouts={"settle_s": 10}) as cmk:
        _prepare(site, cmk)
        site.set_faults([Fault("late", path=RENAME, seconds=0.4, times=1)])
        assert cmk.hosts.rename("old", "new").name == "new"
        assert (_names(site), _renames(site)) == ({"new", "child"}, 1)
