"""Points in time and durations as people write them, such as "2h" and "tomorrow 06:00 Europe/Berlin"."""

from __future__ import annotations

import datetime as dt
import re
from typing import Optional, Union

from ..core.arguments import describe_type

Moment = Union[dt.datetime, str]
Duration = Union[dt.timedelta, str]
Zone = Union[dt.tzinfo, str, None]

_UNITS = {"w": "weeks", "d": "days", "h": "hours", "m": "minutes", "min": "minutes", "s": "seconds"}
_PART = re.compile(r"(\d{1,5})\s*(min|[wdhms])\s*", re.ASCII)
_DURATION = re.compile(rf"\+?\s*(?:{_PART.pattern}){{1,6}}", re.ASCII)  # at most one part for each unit
_DAY = re.compile(r"(today|tomorrow)\s+(\d{1,2}:\d\d)", re.ASCII | re.IGNORECASE)
_ZONE = re.compile(r"(.*\S)\s+([A-Za-z]\w*(?:/[\w+-]+)*)", re.ASCII)
_LONGEST = dt.timedelta(days=36_525)
_FORMS = "write 2h, 2026-03-01T10:00+01:00 or 'tomorrow 06:00 Europe/Berlin'"


def parse_duration(value: Duration) -> dt.timedelta:
    """Return a duration such as ``"90m"``, ``"1h30m"`` or ``"2d"``.

    Raises ValueError unless it is longer than 0 and at most 100 years.
    """
    if isinstance(value, dt.timedelta):
        duration = value
    elif isinstance(value, str) and _DURATION.fullmatch(value.strip()):
        parts = _PART.findall(value)
        duration = sum((dt.timedelta(**{_UNITS[unit]: int(count)}) for count, unit in parts), dt.timedelta())
    else:
        raise ValueError(f"{value!r} is not a duration such as 90m, 1h30m or 2d")
    if not dt.timedelta() < duration <= _LONGEST:
        raise ValueError(f"a duration must be longer than 0 and at most 100 years, not {value!r}")
    return duration


def parse_moment(
    value: Moment, now: dt.datetime, zone: Zone = None, start: Optional[dt.datetime] = None
) -> dt.datetime:
    """Return a point in time with its time zone, in whole seconds.

    A duration counts from ``start``, which is ``now`` by default. A time without a zone is in ``zone``, which is a
    tzinfo or a name such as ``"Europe/Berlin"``. Raises ValueError if the value is not valid, or if there is no zone.
    """
    if not isinstance(value, (dt.datetime, str)):
        raise TypeError(f"a time must be a datetime or a string, not {describe_type(value)}; {_FORMS}")
    try:
        moment = _in_zone(value, zone, str(value)) if isinstance(value, dt.datetime) else _read(value, now, zone, start)
        moment.astimezone(dt.timezone.utc)
    except OverflowError:
        raise ValueError(f"{value!r} is not between the years 1 and 9999") from None
    return moment.replace(microsecond=0)


def _read(value: str, now: dt.datetime, zone: Zone, start: Optional[dt.datetime]) -> dt.datetime:
    text = value.strip()
    if text.lower() == "now":
        return now
    if _DURATION.fullmatch(text):
        base = start or now
        # Python adds a duration to the time on the clock, which differs when clocks are changed.
        return (base.astimezone(dt.timezone.utc) + parse_duration(text)).astimezone(base.tzinfo)
    return _wall_clock(text, now, zone)


def _wall_clock(given: str, now: dt.datetime, zone: Zone) -> dt.datetime:
    named = _ZONE.fullmatch(given)
    text, zone = (named[1], named[2]) if named else (given, zone)
    day = _DAY.fullmatch(text)
    if day:
        # The zone decides which day is today.
        today = now.astimezone(_zone(zone, text)).date() + dt.timedelta(days=day[1].lower() == "tomorrow")
        text = f"{today} {day[2]:0>5}"
    try:
        moment = dt.datetime.fromisoformat(re.sub("[zZ]$", "+00:00", text))
    except ValueError:
        raise ValueError(f"{given!r} is not a time; {_FORMS}") from None
    if named and moment.tzinfo is not None:
        raise ValueError(f"{given!r} has both an offset and a time zone; give one of them")
    return _in_zone(moment, zone, text)


def _in_zone(moment: dt.datetime, zone: Zone, text: str) -> dt.datetime:
    if moment.tzinfo is not None:
        return moment
    placed = moment.replace(tzinfo=_zone(zone, text))
    first, second = (placed.replace(fold=fold) for fold in (0, 1))
    if first.astimezone(dt.timezone.utc) < second.astimezone(dt.timezone.utc):
        choice = f"write {first.isoformat()} or {second.isoformat()}"
        raise ValueError(f"{text!r} occurs twice in {zone}, because clocks are set back; {choice}")
    # When clocks are set forward, some times do not exist.
    if placed.astimezone(dt.timezone.utc).astimezone(placed.tzinfo).replace(tzinfo=None) != moment:
        raise ValueError(f"{text!r} does not exist in {zone}, because clocks are set forward")
    return placed


def _zone(zone: Zone, text: str) -> dt.tzinfo:
    if zone is None:
        raise ValueError(f"{text!r} has no time zone; write '{text} Europe/Berlin', or give a zone")
    if isinstance(zone, dt.tzinfo):
        return zone
    from zoneinfo import ZoneInfo  # reads files

    try:
        return ZoneInfo(zone)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"unknown time zone {zone!r}; use a name such as Europe/Berlin or UTC") from None


def iso(moment: Union[dt.datetime, int]) -> str:
    """Return a time, or a UNIX time, in the form that the API accepts in all versions."""
    if isinstance(moment, int):
        moment = dt.datetime.fromtimestamp(moment, dt.timezone.utc)
    return moment.astimezone(dt.timezone.utc).isoformat()
