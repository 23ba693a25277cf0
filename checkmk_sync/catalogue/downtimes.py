"""Facts about downtimes."""

from __future__ import annotations

# The values of the field ``recur`` besides "fixed", in the order of the column "recurring".
RECURRENCES = (
    *("hour", "day", "week", "second_week", "fourth_week"),
    *("weekday_start", "weekday_end", "day_of_month"),
)
