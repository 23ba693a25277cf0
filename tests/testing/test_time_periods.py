"""The simulated site treats time periods like Checkmk (source: cmk/gui/openapi/endpoints/time_periods)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.raw_requests import Raw

PERIODS = "/domain-types/time_period/collections/all"
STAR = {"If-Match": "*"}


def _period(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "alias": name.title(), "active_time_ranges": [{"day": "all"}], **more}


def _fields(answer: Any) -> Any:
    assert answer.status_code == 400, answer.text
    return answer.json()["fields"]


def test_time_periods_are_stored_as_single_days_without_seconds(every: Raw) -> None:
    ranges = [{"start": "08:00:30", "end": "17:00"}]
    body = _period(
        "work", active_time_ranges=[{"time_ranges": ranges}, {"day": "monday"}], exceptions=[{"date": "2026-12-24"}]
    )
    found = every("POST", PERIODS, json=body).json()["extensions"]
    assert [entry["day"] for entry in found["active_time_ranges"]][::6] == ["monday", "sunday"]
    assert found["active_time_ranges"][0]["time_ranges"] == [
        {"start": "08:00", "end": "17:00"}, {"start": "00:00", "end": "23:59"},
    ]  # fmt: skip
    assert found["exceptions"] == [{"date": "2026-12-24", "time_ranges": []}]
    assert found["exclude"] == []


@pytest.mark.parametrize(
    ("times", "text"),
    [
        ({"start": "25:00", "end": "26:00"}, "Invalid start time: 25:00"),
        ({"start": "08:00", "end": "8"}, "Invalid end time: 8"),
        ({"start": "08:61", "end": "09:00"}, "Invalid start time: 08:61"),
        ({"start": "09:00", "end": "08:00"}, "Start time (09:00) must be before end time (08:00)."),
    ],
)
def test_time_ranges_are_checked(raw: Raw, times: Any, text: str) -> None:
    answer = raw("POST", PERIODS, json=_period("work", active_time_ranges=[{"day": "monday", "time_ranges": [times]}]))
    assert _fields(answer)["active_time_ranges"]["0"]["time_ranges"]["0"] == {"_schema": [text]}


def test_the_built_in_time_period_cannot_be_changed(every: Raw) -> None:
    for method, detail in (
        ("PUT", "You cannot change the built-in time period"),
        ("DELETE", "The built-in time period '24X7' cannot be deleted."),
    ):
        answer = every(method, "/objects/time_period/24X7", STAR, **({"json": {}} if method == "PUT" else {}))
        assert (answer.status_code, answer.json()["detail"]) == (405, detail)
    assert "exclude" not in every("GET", "/objects/time_period/24X7").json()["extensions"]


def test_an_excluded_time_period_is_in_use(every: Raw) -> None:
    assert every("POST", PERIODS, json=_period("a")).status_code == 200
    assert every("POST", PERIODS, json=_period("b", exclude=["a", "24X7"])).status_code == 200
    answer = every("DELETE", "/objects/time_period/a", STAR)
    detail = "The time period is still in use (Time period: B (excluded))."
    assert (answer.status_code, answer.json()["detail"]) == (409, detail)
    answer = every("PUT", "/objects/time_period/b", STAR, json={"exclude": ["24X7"]})
    assert _fields(answer) == {"exclude": {"0": ["Time period alias '24X7' can't be a built-in"]}}
    assert every("PUT", "/objects/time_period/b", STAR, json={"exclude": []}).status_code == 200
    assert every("DELETE", "/objects/time_period/a").status_code == 428
    assert every("DELETE", "/objects/time_period/a", STAR).status_code == 204


def test_an_update_of_a_time_period_keeps_the_other_values(every: Raw) -> None:
    body = _period("a", exceptions=[{"date": "2026-12-24", "time_ranges": [{"start": "08:00", "end": "12:00"}]}])
    before = every("POST", PERIODS, json=body).json()["extensions"]
    after = every("PUT", "/objects/time_period/a", STAR, json={"alias": "New"}).json()
    assert (after["title"], after["extensions"]) == ("New", {**before, "alias": "New"})
