"""A client of a site with one host, and the requests that a site received."""

from __future__ import annotations

import pytest

from checkmk_sync import Checkmk
from checkmk_sync.testing import SimulatedSite


@pytest.fixture
def with_host(site: SimulatedSite, cmk: Checkmk) -> Checkmk:
    """The client ``cmk``, after it has created the host web01."""
    cmk.hosts.create("web01", "/", {"alias": "old"})
    return cmk


def sent(site: SimulatedSite) -> list[str]:
    """Return the methods and paths of all requests to the site."""
    return [f"{request.method} {request.path}" for request in site.requests]
