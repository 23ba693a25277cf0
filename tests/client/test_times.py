"""Times and durations are read as people write them, and never without a time zone."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkmk_sync.client.times import parse_duration, parse_moment

UTC = dt.timezone.utc
BASE = dt.datetime(2026, 3, 28, 23, 30, 0, 999, tzinfo=UTC)  # in Berlin already the 29th, when clocks are set forward


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("now", "2026-03-28T23:30:00+00:00"),
        ("2h", "2026-03-29T01:30:00+00:00"),
        ("+1h30m", "2026-03-29T01:00:00+00:00"),
        ("90 min", "2026-03-29T01:00:00+00:00"),
        ("2026-04-01T10:00+02:00", "2026-04-01T10:00:00+02:00"),
        ("2026-04-01 10:00:30Z", "2026-04-01T10:00:30+00:00"),
        ("2026-04-01 10:00 Europe/Berlin", "2026-04-01T10:00:00+02:00"),
        ("2026-10-25 03:00 Europe/Berlin", "2026-10-25T03:00:00+01:00"),
        ("tomorrow 06:00 UTC", "2026-03-29T06:00:00+00:00"),
        ("today 6:00 Europe/Berlin", "2026-03-29T06:00:00+02:00"),
        ("Tomorrow 06:00 Europe/Berlin", "2026-03-30T06:00:00+02:00"),
        ("tomorrow 06:00 America/Argentina/Ushuaia", "2026-03-29T06:00:00-03:00"),
        (dt.datetime(2026, 4, 1, tzinfo=UTC), "2026-04-01T00:00:00+00:00"),
    ],
)
def test_a_time_is_read_with_its_zone(text: Any, expected: str) -> None:
    assert parse_moment(text, BASE).isoformat() == expected


@pytest.mark.parametrize("zone", ["Europe/Berlin", dt.timezone(dt.timedelta(hours=2))])
def test_a_time_without_a_zone_uses_the_given_one(zone: Any) -> None:
    for value in ("2026-04-01T10:00", "2026-04-01 10:00", dt.datetime(2026, 4, 1, 10)):
        assert parse_moment(value, BASE, zone).isoformat() == "2026-04-01T10:00:00+02:00"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("2026-04-01 10:00", "has no time zone; write '2026-04-01 10:00 Europe/Berlin'"),
        ("tomorrow 06:00", "has no time zone"),
        (dt.datetime(2026, 4, 1), "has no time zone"),
        ("tomorrow 06:00 Europe/Atlantis", "unknown time zone 'Europe/Atlantis'"),
        ("today 02:30 Europe/Berlin", "does not exist in Europe/Berlin, because clocks are set forward"),
        ("2026-10-25 02:30 Europe/Berlin", r"occurs twice in Europe/Berlin, because .*; write .*\+02:00 or .*\+01:00"),
        ("2026-12-01T06:00+01:00 Europe/Berlin", "has both an offset and a time zone"),
        ("2026-12-01T06:00Z Europe/Berlin", "has both an offset and a time zone"),
        ("tomorrow 25:00 UTC", "'tomorrow 25:00 UTC' is not a time"),
        ("tomorow 06:00 UTC", "'tomorow 06:00 UTC' is not a time"),
        ("soon", "is not a time; write 2h, "),
        ("", "is not a time"),
        ("0h", "must be longer than 0"),
        ("99999w", "at most 100 years"),
        ("99999w" * 2000, "is not a time"),
        ("9999-12-31T23:59-12:00", "is not between the years 1 and 9999"),
        ("0001-01-01 00:00 Europe/Berlin", "is not between the years 1 and 9999"),
    ],
)
def test_an_invalid_time_is_refused(value: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_moment(value, BASE)


def test_a_time_of_another_type_is_refused() -> None:
    with pytest.raises(TypeError, match="must be a datetime or a string, not an int"):
        parse_moment(5, BASE)  # type: ignore[arg-type]


@pytest.mark.parametrize("value", ["", "2", "h", "2x", "-2h", "2h x", "1.5h", None, 2])
def test_an_invalid_duration_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="is not a duration such as 90m, 1h30m or 2d"):
        parse_duration(value)


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        assert parse_moment(text, BASE).tzinfo is not None
    except ValueError as error:
        assert str(error)


@pytest.mark.parametrize(
    ("start", "duration", "end"),
    [
        ("2026-03-29 01:30", "2h", "2026-03-29T04:30:00+02:00"),
        ("2026-03-28 12:00", "1d", "2026-03-29T13:00:00+02:00"),
        ("2026-10-25 01:50", "80m", "2026-10-25T02:10:00+01:00"),
    ],
)
def test_a_duration_is_not_changed_by_a_change_of_clocks(start: str, duration: str, end: str) -> None:
    first = parse_moment(start, BASE, "Europe/Berlin")
    assert parse_moment(duration, BASE, start=first).isoformat() == end


@pytest.mark.parametrize(("text", "expected"), [("tomorrow 08:00 UTC", "2026-03-29T08:00"), ("2h", "2026-04-05T08:00")])
def test_only_a_duration_counts_from_the_start(text: str, expected: str) -> None:
    start = dt.datetime(2026, 4, 5, 6, tzinfo=UTC)
    assert parse_moment(text, BASE, start=start).isoformat() == f"{expected}:00+00:00"
