"""If a web server answers in place of the site, it is unknown whether an activation or a discovery was started."""

from __future__ import annotations

from typing import Any, Callable

import pytest

from checkmk_sync import Checkmk, Outcome, Status
from checkmk_sync.errors import CheckmkError
from checkmk_sync.testing import Fault, ManualClock, SimulatedSite
from tests.http.test_foreign_answers import ODD_SUCCESSES


@pytest.mark.parametrize("version", ["2.2.0p44", "2.3.0p41", "2.4.0p18", "2.5.0"])
@pytest.mark.parametrize("answer", ODD_SUCCESSES, ids=str)
def test_foreign_answers_to_starts_leave_the_outcome_unknown(
    version: str, answer: Any, clock: ManualClock, connect: Any
) -> None:
    with SimulatedSite(version, hosts=2, clock=clock) as site:
        cmk = connect(site)
        cmk.hosts.create("fresh")
        starts: dict[str, Callable[[], Any]] = {
            "service_discovery_run": lambda: cmk.discovery.start("host00000", "refresh"),
            "service_discovery_run/": lambda: cmk.discovery.start("host00000", "fix_all"),
            "discovery_run/actions": lambda: cmk.discovery.bulk(["host00000"]),
            "activate-changes": cmk.activation.activate,
            "update_discovery_phase": lambda: cmk.discovery.set_phase("host00000", "df", "/", "ignored"),
        }
        for path, start in starts.items():
            site.set_faults([Fault("answer", path=path.rstrip("/"), method=None, writes=True, **answer)])
            with pytest.raises(CheckmkError) as caught:
                start()
            assert Outcome.failed("x", caught.value).status is Status.UNKNOWN, path
        assert site.state.configuration.changes, "nothing was activated"


@pytest.mark.parametrize("where", ["/login", "/s/check_mk/api/1.0/objects/host/h", "https://x.example.com/", ""])
@pytest.mark.parametrize("status", [302, 303, 307, 308])
def test_redirects_elsewhere_do_not_prove_a_start(site: SimulatedSite, cmk: Checkmk, status: int, where: str) -> None:
    import responses

    cmk.version()
    with responses.RequestsMock() as mock:
        mock.post(
            f"{site.api_url}/domain-types/service_discovery_run/actions/start/invoke",
            status=status,
            headers={"Location": where, "X-Checkmk-Version": "2.4.0p18"},
        )
        with pytest.raises(CheckmkError) as caught:
            cmk.discovery.start("h", "refresh")
    assert Outcome.failed("h", caught.value).status is Status.UNKNOWN


@pytest.mark.parametrize("status", [401, 403, 404, 409, 412, 422])
@pytest.mark.parametrize("version", ["2.2.0p44", "2.4.0p18"])
def test_refused_polls_do_not_prove_that_nothing_started(
    version: str, status: int, clock: ManualClock, connect: Any
) -> None:
    body = {"title": "No", "status": status, "detail": "you lack the permission"}
    problem = dict(status=status, body=body, content_type="application/problem+json")
    with SimulatedSite(version, hosts=1, activation_time=5, discovery_time=5, clock=clock) as site:
        cmk = connect(site)
        cmk.hosts.create("fresh")
        site.set_faults([Fault("answer", method="GET", path="objects/activation_run|collections/running", **problem)])
        with pytest.raises(CheckmkError, match="the activation was started, but its result is unknown") as caught:
            cmk.activation.activate()
        assert Outcome.failed("activation", caught.value).status is Status.UNKNOWN
        clock.advance(10)
        assert site.state.configuration.changes == [], "the activation ran to its end"
        site.set_faults([Fault("answer", method="GET", path="background_job|discovery_run", **problem)])
        with pytest.raises(CheckmkError, match="was started, but its result is unknown") as caught:
            cmk.discovery.bulk(["host00000"])
        assert Outcome.failed("discovery", caught.value).status is Status.UNKNOWN
        with pytest.raises(CheckmkError, match="was started, but its result is unknown") as caught:
            cmk.discovery.discover("host00000")
        assert Outcome.failed("discovery", caught.value).status is Status.UNKNOWN


def test_activations_forgotten_by_the_site_are_awaited(clock: ManualClock, connect: Any) -> None:
    with SimulatedSite(activation_time=5, clock=clock) as site:
        cmk = connect(site)
        cmk.hosts.create("fresh")
        missing = {"title": "Not Found", "status": 404}
        site.set_faults([Fault("answer", method="GET", path="objects/activation_run", status=404, body=missing)])
        assert len(cmk.activation.activate().activated) == 1
