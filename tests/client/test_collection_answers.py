"""Malformed objects in answers raise UnexpectedReplyError, even if only a comparison notices them."""

from __future__ import annotations

from typing import Any

import pytest

from checkmk_sync import Checkmk
from checkmk_sync.errors import UnexpectedReplyError
from checkmk_sync.testing import SimulatedSite


@pytest.mark.parametrize(
    "ranges",
    [[5], [None], [{"time_ranges": 5}], [{"time_ranges": [{"start": "08:00"}]}], [{"time_ranges": [[]]}]],
)
def test_times_that_cannot_be_compared_are_an_unexpected_reply(site: SimulatedSite, cmk: Checkmk, ranges: Any) -> None:
    wanted: dict[str, Any] = {"alias": "Hours", "active_time_ranges": [{"day": "monday"}]}
    cmk.time_periods.create("hours", **wanted)
    site.state.configuration.objects["time_periods"]["hours"]["active_time_ranges"] = ranges
    for call in (cmk.time_periods.ensure, cmk.time_periods.update):
        with pytest.raises(UnexpectedReplyError, match="'extensions.active_time_ranges' in the answer"):
            call("hours", **wanted)


def test_a_list_that_cannot_be_sorted_is_an_unexpected_reply(site: SimulatedSite, cmk: Checkmk) -> None:
    cmk.passwords.create("snmp", title="SNMP", password="only-for-tests")
    site.state.configuration.objects["passwords"]["snmp"]["shared"] = ["all", None]
    with pytest.raises(UnexpectedReplyError, match="'extensions.shared' in the answer"):
        cmk.passwords.ensure("snmp", shared=["all"])
