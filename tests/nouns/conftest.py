"""Fixtures for the tests of all plain nouns."""

from __future__ import annotations

from typing import Iterator

import pytest

from checkmk_sync.catalogue.nouns import NOUNS
from checkmk_sync.catalogue.versions import CheckmkVersion
from checkmk_sync.testing import ManualClock, SimulatedSite
from tests.nouns.life import Life
from tests.official_documents import EDITIONS


@pytest.fixture
def life(request: pytest.FixtureRequest, clock: ManualClock) -> Iterator[Life]:
    """Yield a noun on an empty site. The parameter is the version of the site and the name of the noun."""
    version, noun = request.param
    edition = EDITIONS[version]
    with SimulatedSite(version, edition, clock=clock) as site, site.client(clock=clock) as cmk:
        yield Life(site, cmk, NOUNS[noun], CheckmkVersion.parse(version), edition)
