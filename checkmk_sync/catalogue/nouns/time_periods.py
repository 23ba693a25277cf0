"""Time periods."""

from __future__ import annotations

from typing import Any, Iterable, Mapping, Optional

from ..noun import ALWAYS, CRUD, Record, attr, key, noun

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


# Checkmk's own test test_openapi_time_period_active_time_ranges: a day without ranges lasts from 00:00 to 23:59.
_WHOLE_DAY = ({"start": "00:00", "end": "23:59"},)


def _times(ranges: Iterable[Mapping[str, Any]]) -> list[tuple[str, str]]:
    return sorted((_minute(time["start"]), _minute(time["end"])) for time in ranges)


def _minute(time: str) -> str:
    """Return a time without its seconds and with two digits for the hour."""
    hour, minute = time.split(":")[:2]
    return f"{hour:0>2}:{minute}"


def _by_day(ranges: Iterable[Mapping[str, Any]]) -> dict[str, list[tuple[str, str]]]:
    """Return the ranges of each day of the week, as HH:MM."""
    # CHECKMK_API 10.12: the site answers with single days if "all" was sent, and without seconds.
    found: dict[str, list[tuple[str, str]]] = {}
    for entry in ranges:
        day = entry.get("day", "all")
        for name in WEEKDAYS if day == "all" else (str(day),):
            found[name] = sorted([*found.get(name, []), *_times(entry.get("time_ranges", _WHOLE_DAY))])
    return {name: times for name, times in found.items() if times}


def _by_date(ranges: Iterable[Mapping[str, Any]]) -> dict[str, list[tuple[str, str]]]:
    return {str(entry["date"]): _times(entry.get("time_ranges", ())) for entry in ranges}


@noun("time_periods", "time period", "time_period", CRUD, rank=5, if_match={"update": ALWAYS, "delete": ALWAYS})
class TimePeriod(Record):
    """Times of the week, such as working hours, for checks, notifications and rules."""

    name: str = key("ID of the time period.", pattern=r"^[-a-z0-9A-Z_]+\Z", example="workhours")
    alias: str = attr("Title of the time period.", example="Working hours")
    active_time_ranges: list[Any] = attr(
        "Days, 'monday' to 'sunday' or 'all', with their time ranges.",
        canonical=_by_day,
        example=[{"day": "monday", "time_ranges": [{"start": "08:00", "end": "17:00"}]}],
    )
    exceptions: Optional[list[Any]] = attr(
        "Dates with their own time ranges.",
        default=None,
        canonical=_by_date,
        example=[{"date": "2026-12-24", "time_ranges": [{"start": "08:00", "end": "12:00"}]}],
    )
    exclude: Optional[list[str]] = attr(
        "IDs of time periods whose times are excluded.", default=None, canonical=sorted, refers_to="time_periods"
    )
