"""Queries compare strings literally and numbers as strings, and distinguish pending from OK."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkmk_sync import Checkmk, HostState, ServiceState, column, unhandled_problems, where
from checkmk_sync.client.query import everything
from checkmk_sync.testing import SimulatedSite
from checkmk_sync.testing.livestatus import compile_query

COLUMNS = frozenset({"description", "state", "has_been_checked", "host_name", "groups"})
TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=12)


def _matches(query: object, row: dict[str, object]) -> bool:
    test = compile_query(query.to_dict(), "services", COLUMNS)  # type: ignore[attr-defined]
    return test is None or test(row)


@given(TEXT, TEXT, TEXT)
def test_strings_are_compared_literally(needle: str, before: str, after: str) -> None:
    row = {"description": before + needle + after}
    assert _matches(column("description").contains(needle), row)
    assert _matches(column("description").startswith(before), row)
    assert _matches(column("description") == before + needle + after, row)
    assert _matches(column("description") == needle, row) is (needle == before + needle + after)


@given(TEXT, TEXT)
def test_patterns_support_only_stars_and_question_marks(pattern: str, text: str) -> None:
    regex = "".join({"*": ".*", "?": "."}.get(char, re.escape(char)) for char in pattern)
    expected = re.fullmatch(regex, text, re.DOTALL) is not None
    assert _matches(column("description").glob(pattern), {"description": text}) is expected


def test_the_right_side_is_always_a_string() -> None:
    assert (column("state") == 2).to_dict() == {"op": "=", "left": "state", "right": "2"}
    assert (column("acknowledged") == True).to_dict()["right"] == "1"  # noqa: E712
    assert (column("last_check") >= 1.5).to_dict()["right"] == "1.5"


def test_ok_does_not_match_pending() -> None:
    ok, pending = {"state": 0, "has_been_checked": 1}, {"state": 0, "has_been_checked": 0}
    critical = {"state": 2, "has_been_checked": 1}
    table = {
        ServiceState.OK: [True, False, False],
        ServiceState.PENDING: [False, True, False],
        ServiceState.CRITICAL: [False, False, True],
    }
    for state, expected in table.items():
        assert [_matches(column("state") == state, row) for row in (ok, pending, critical)] == expected
        assert [_matches(column("state") != state, row) for row in (ok, pending, critical)] == [not e for e in expected]
    with pytest.raises(ValueError, match="not a column with a state"):
        _ = column("description") == ServiceState.OK


@pytest.mark.parametrize(
    ("name", "checked"),
    [
        ("state", "has_been_checked"),
        ("hard_state", "has_been_checked"),
        ("last_hard_state", "has_been_checked"),
        ("host_state", "host_has_been_checked"),
        ("host_hard_state", "host_has_been_checked"),
        ("service_state", "service_has_been_checked"),
        ("services.state", "services.has_been_checked"),
        ("services.host_last_state", "services.host_has_been_checked"),
    ],
)
def test_state_columns_share_one_has_been_checked_column(name: str, checked: str) -> None:
    assert (column(name) == HostState.PENDING).to_dict() == {"op": "=", "left": checked, "right": "0"}
    assert [part["left"] for part in (column(name) == HostState.UP).to_dict()["expr"]] == [name, checked]
    assert (column(name) == HostState.DOWN).to_dict()["left"] == name


def test_the_server_accepts_has_been_checked(cmk: Checkmk, site: SimulatedSite) -> None:
    assert list(cmk.host_status.each(query=column("hard_state") == HostState.UP)) == []


def test_joined_filters_are_flat() -> None:
    a, b, c = where(state=0), where(state=1), where(state=2)
    assert [part["right"] for part in (a & b & c).to_dict()["expr"]] == ["0", "1", "2"]
    assert (a | b | c).to_dict()["op"] == "or"
    assert (~a).to_dict() == {"op": "not", "expr": a.to_dict()}
    assert where() == everything()
    assert (everything() & a) == a
    assert (everything() | a) == everything()
    assert hash(a) == hash(where(state=0))
    assert len((a & (b | c)).to_dict()["expr"]) == 2
    with pytest.raises(TypeError, match="combine filters with & and |"):
        bool(a)


def test_other_comparisons_use_their_operators() -> None:
    assert [f.to_dict()["op"] for f in (column("state") < 1, column("state") <= 1, column("state") > 1)] == [
        "<",
        "<=",
        ">",
    ]
    assert column("groups").has("linux").to_dict() == {"op": ">=", "left": "groups", "right": "linux"}
    assert column("name").matches("^a", ignore_case=True).to_dict()["op"] == "~~"
    assert column("name").one_of(["a"]) == (column("name") == "a")
    with pytest.raises(ValueError, match="at least one"):
        column("name").one_of([])


@pytest.mark.parametrize("wrong", ["", "Name", "num_services1", "state; drop", "hosts..name"])
def test_invalid_column_names_are_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="is not a valid column name"):
        column(wrong)


def test_line_breaks_are_refused() -> None:
    with pytest.raises(ValueError, match="line break"):
        _ = column("name") == "a\nFilter: x"


def test_unhandled_problems_exclude_acknowledged_and_downtime(site: SimulatedSite, cmk: Checkmk) -> None:
    def service(name: str, **columns: int) -> dict[str, object]:
        return {"host_name": "web01", "description": name, "state": 2, **columns}

    site.seed_monitoring(
        {
            "hosts": [{"name": "web01"}, {"name": "down01", "scheduled_downtime_depth": 1}],
            "services": [
                service("bad"),
                service("fine", state=0),
                service("pending", state=0, has_been_checked=0),
                service("known", acknowledged=1),
                service("planned", scheduled_downtime_depth=1),
                {**service("host planned"), "host_name": "down01"},
            ],
        }
    )
    assert [found.name for found in cmk.services.each(query=unhandled_problems())] == ["bad"]
