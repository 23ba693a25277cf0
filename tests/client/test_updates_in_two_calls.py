"""Setting and removing attributes of hosts takes two bulk calls. The outcome of a host is the worse of both."""

from __future__ import annotations

import contextlib
from typing import Any, Callable, Optional

import pytest

from checkmk_sync import Checkmk, Outcome, Status
from checkmk_sync.errors import AuthError
from checkmk_sync.sync import Action, apply_plan, from_data, make_plan
from checkmk_sync.sync.executors import EXECUTORS
from checkmk_sync.testing import Fault, SimulatedSite

BEFORE = {"hosts": [{"name": name, "attributes": {"alias": "x", "ipaddress": "10.0.0.1"}} for name in "abc"]}
# Host a gets an attribute, b gets one and loses one, and c loses one.
AFTER = {
    "hosts": [
        {"name": "a", "attributes": {"alias": "y"}},
        {"name": "b", "attributes": {"alias": "y", "ipaddress": None}},
        {"name": "c", "attributes": {"ipaddress": None}},
    ]
}


@pytest.fixture
def bot(site: SimulatedSite, connect: Any) -> Checkmk:
    site.add_user("bot", "secret")
    cmk: Checkmk = connect(site, username="bot")
    apply_plan(cmk, make_plan(cmk, from_data(BEFORE), owner="me"))
    return cmk


def _updated(cmk: Checkmk, error: Optional[type[Exception]] = None) -> dict[str, Outcome]:
    """Return the outcomes of the changes, after which the executor may raise an error."""
    changes = make_plan(cmk, from_data(AFTER), owner="me").changes
    found: list[Outcome] = []
    with contextlib.nullcontext() if error is None else pytest.raises(error):
        found.extend(outcome for _, outcome in EXECUTORS[Action.UPDATE, "host"](cmk, changes))
    assert len({outcome.key for outcome in found}) == len(found)
    return {outcome.key: outcome for outcome in found}


def _at_call(site: SimulatedSite, number: int, do: Callable[[], None]) -> None:
    """Call a function when the site gets the bulk call with this number."""
    calls = 0

    def count(method: str, path: str) -> None:
        nonlocal calls
        calls += "bulk-update" in path
        if calls == number and "bulk-update" in path:
            do()

    site.on_request(count)


def test_a_host_in_both_calls_has_one_outcome(site: SimulatedSite, bot: Checkmk) -> None:
    assert {key: outcome.status for key, outcome in _updated(bot).items()} == dict.fromkeys("abc", Status.APPLIED)
    assert "ipaddress" not in site.state.configuration.hosts["c"].attributes


@pytest.mark.parametrize(
    ("number", "statuses"),
    [
        (1, {"a": Status.NOT_APPLIED, "b": Status.NOT_APPLIED, "c": Status.NOT_APPLIED}),
        (2, {"a": Status.APPLIED, "b": Status.NOT_APPLIED, "c": Status.NOT_APPLIED}),
    ],
)
def test_credentials_that_expire_between_the_calls_keep_the_outcomes(
    site: SimulatedSite, bot: Checkmk, number: int, statuses: dict[str, Status]
) -> None:
    _at_call(site, number, lambda: setattr(site.state.configuration.users["bot"], "password", "other"))
    found = _updated(bot, AuthError)
    assert {key: outcome.status for key, outcome in found.items()} == statuses
    assert sum("bulk-update" in request.path for request in site.requests) == number
    assert found["b"].note == ("applied in part" if number == 2 else "")


def test_a_host_with_one_refused_call_is_not_applied(site: SimulatedSite, bot: Checkmk) -> None:
    site.set_faults([Fault("fail_host", hosts="b")])
    _at_call(site, 2, lambda: site.set_faults([]))
    found = _updated(bot)
    assert (found["b"].status, found["b"].note) == (Status.NOT_APPLIED, "applied in part")
    assert "refused by a hook" in found["b"].reason
    assert (found["a"].status, found["c"].status) == (Status.APPLIED, Status.APPLIED)


def test_an_unknown_outcome_outweighs_a_refusal(site: SimulatedSite, bot: Checkmk) -> None:
    """A refusal of one call does not reveal the outcome of the other."""
    site.set_faults([Fault("fail_host", hosts="b"), Fault("reset_before", path="bulk-update", skip=1, times=1)])
    found = _updated(bot)
    assert {key: outcome.status for key, outcome in found.items()} == {
        "a": Status.APPLIED, "b": Status.UNKNOWN, "c": Status.UNKNOWN
    }  # fmt: skip
