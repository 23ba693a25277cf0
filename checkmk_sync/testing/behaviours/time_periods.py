"""The behaviour of time periods."""

from __future__ import annotations

import datetime
import re
from typing import Any, Mapping, Optional, Sequence

from ...catalogue.nouns.time_periods import WEEKDAYS
from ..builtin_objects import BUILTIN_OBJECTS
from ..configuration import Configuration
from ..endpoints import Context, SiteState
from ..replies import Problem, bad_fields
from ..validation import REQUIRED, Check, Field, choice, list_of, member_of, object_with, parsed_by, pattern, string
from .groups import alias_refusal
from .hooks import Values
from .standard import Behaviour

_NOUN = "time_periods"
_BUILTIN = BUILTIN_OBJECTS[_NOUN]
_IDENT = pattern(r"^[-a-z0-9A-Z_]+\Z")
_TIME = re.compile(r"(\d\d?):(\d\d)(?::\d\d)?", re.ASCII)
_WHOLE_DAY = ({"start": "00:00", "end": "23:59"},)


def _minute(text: str) -> Optional[int]:
    """Return the minute of the day of a time such as 08:00, 08:00:30 or 24:00. Return None if it is not valid."""
    match = _TIME.fullmatch(text)
    if match is None or int(match[2]) > 59:
        return None
    minute = int(match[1]) * 60 + int(match[2])
    return minute if minute <= 24 * 60 else None


def _range_errors(times: Mapping[str, str]) -> Any:
    start, end = _minute(times["start"]), _minute(times["end"])
    if start is None or end is None:
        edge = "start" if start is None else "end"
        return {"_schema": [f"Invalid {edge} time: {times[edge]}"]}
    if start > end:
        return {"_schema": [f"Start time ({times['start']}) must be before end time ({times['end']})."]}
    return None


_RANGES = Field(list_of(object_with(dict.fromkeys(("start", "end"), Field(string, REQUIRED)), _range_errors)))
_DAYS = list_of(object_with({"day": Field(choice("all", *WEEKDAYS)), "time_ranges": _RANGES}))
_DATE = parsed_by(datetime.date.fromisoformat, "Not a valid date.")
_DATES = list_of(object_with({"date": Field(_DATE, REQUIRED), "time_ranges": _RANGES}))


def _without_seconds(ranges: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    return [{edge: ":".join(times[edge].split(":")[:2]) for edge in ("start", "end")} for times in ranges]


class TimePeriods(Behaviour):
    """The behaviour of time periods."""

    permission = "wato.timeperiods"
    taken = "Name {!r} already exists."

    def checks(self, state: SiteState) -> dict[str, Check]:
        existing = member_of(state.configuration.objects[_NOUN], "Name missing: {!r}", _IDENT)
        return {"active_time_ranges": _DAYS, "exceptions": _DATES, "exclude": list_of(existing)}

    def complete(self, context: Context, values: Values) -> Values:
        # CHECKMK_API 10.12: the server stores single days, without seconds. A day without ranges lasts until 23:59.
        by_day: dict[str, list[dict[str, str]]] = {day: [] for day in WEEKDAYS}
        for entry in values["active_time_ranges"]:
            ranges = _without_seconds(entry.get("time_ranges", _WHOLE_DAY))
            for day in WEEKDAYS if entry.get("day", "all") == "all" else (entry["day"],):
                by_day[day] += ranges
        return {
            "exclude": [],
            **values,
            "active_time_ranges": [{"day": day, "time_ranges": ranges} for day, ranges in by_day.items() if ranges],
            "exceptions": [
                {"date": entry["date"], "time_ranges": _without_seconds(entry.get("time_ranges", ()))}
                for entry in values.get("exceptions", ())
            ],
        }

    def refuse(self, context: Context, key: str, values: Values) -> None:
        periods, alias = context.configuration.objects[_NOUN], values["alias"]
        if key not in periods:
            if alias_refusal(context.configuration, _NOUN, key, alias):
                raise bad_fields({"alias": [f"Time period alias {alias!r} already exists."]})
            return
        if any(period["alias"] == alias for name, period in periods.items() if name != key):
            raise bad_fields({"alias": f"Timeperiod alias '{alias}' already exists"})
        # Checkmk: only an update refuses to exclude the built-in time period.
        builtin = {str(index): name for index, name in enumerate(context.body.get("exclude", ())) if name in _BUILTIN}
        if builtin:
            text = "Time period alias {!r} can't be a built-in"
            raise bad_fields({"exclude": {index: [text.format(name)] for index, name in builtin.items()}})

    def missing(self, context: Context, key: str) -> Problem:
        return Problem(404, "The requested time period was not found", f"Could not find a time period with id {key}.")

    def protect(self, context: Context, key: str) -> None:
        if context.endpoint.method == "PUT":
            raise Problem(405, "Method Not Allowed", "You cannot change the built-in time period")
        detail = f"The built-in time period '{key}' cannot be deleted."
        raise Problem(405, "Built-in time periods can not be deleted", detail)

    def usages(self, configuration: Configuration, key: str) -> list[str]:
        periods = configuration.objects[_NOUN].values()
        return [f"Time period: {period['alias']} (excluded)" for period in periods if key in period.get("exclude", ())]

    def in_use(self, _key: str, usages: list[str]) -> Problem:
        title = "The time period is still in use"
        return Problem(409, title, f"{title} ({', '.join(usages)}).")
