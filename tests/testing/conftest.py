"""Fixtures for the tests of the simulated site."""

from __future__ import annotations

from typing import Iterator

import pytest

from checkmk_sync.testing import ManualClock, SimulatedSite
from tests.raw_requests import Raw


@pytest.fixture(params=["2.2.0p44", "2.3.0p41", "2.4.0p18", "2.5.0p9"])
def every(request: pytest.FixtureRequest, clock: ManualClock) -> Iterator[Raw]:
    """Yield a sender of plain requests to an empty site of each version."""
    with SimulatedSite(request.param, clock=clock) as site:
        found = Raw(site)
        yield found
        found.session.close()
