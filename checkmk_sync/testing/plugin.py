"""A pytest plugin with the fixtures ``checkmk_site`` and ``checkmk_client``. It loads the site on first use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Iterator

import pytest

if TYPE_CHECKING:
    from ..client.checkmk import Checkmk
    from .site import SimulatedSite


@pytest.fixture
def checkmk_site() -> Iterator[SimulatedSite]:
    """An empty simulated Checkmk site."""
    from . import SimulatedSite

    with SimulatedSite() as site:
        yield site


@pytest.fixture
def checkmk_client(checkmk_site: SimulatedSite) -> Iterator[Checkmk]:
    """A client for ``checkmk_site``."""
    with checkmk_site.client() as client:
        yield client
