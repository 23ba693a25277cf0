"""A user without permissions can read the simulated site, but not change it."""

from __future__ import annotations

import re

from checkmk_sync.testing import SimulatedSite
from tests.raw_requests import Raw
from tests.testing.test_crashes import BODIES, prepare

# Status queries only read. The agent receiver calls the internal endpoints, which change nothing. All users can hide
# warnings from themselves.
READS = re.compile(r"/(host|service)/collections/all$|/collections/services$|host_config_internal|dismiss-warning")
WRITES = [call for call in sorted(BODIES) if not READS.search(call[1])]
DELETIONS = [("DELETE", "/objects/host_config/web"), ("DELETE", "/objects/folder_config/~a")]


def test_a_guest_cannot_change_anything() -> None:
    with SimulatedSite() as site:
        prepare(site)
        site.add_user("guest", "guests secret", "guest")
        raw = Raw(site)
        raw.auth = {"Authorization": "Bearer guest guests secret"}
        before = len(site.state.configuration.changes)
        for method, path in [*WRITES, *DELETIONS]:
            answer = raw(method, path, {"If-Match": "*"}, json=BODIES.get((method, path)))
            assert answer.status_code in (401, 403), (method, path, answer.text)
        raw.session.close()
        assert len(site.state.configuration.changes) == before
