"""A fallback never answers for a write."""

from __future__ import annotations

import pytest

from checkmk_sync import Checkmk, Outcomes
from checkmk_sync.errors import CheckmkError
from checkmk_sync.recovery import RecoveryMixin, resilient
from checkmk_sync.testing import Fault, SimulatedSite

WRITES = {
    "create": lambda client: client.hosts.create("new"),
    "update": lambda client: client.hosts.update("host00000", update_attributes={"alias": "x"}),
    "change": lambda client: client.hosts.update("host00000", lambda attributes: {**attributes, "alias": "x"}),
    "move": lambda client: client.hosts.move("host00000", "/b"),
    "delete": lambda client: client.hosts.delete("host00000"),
    "bulk_update": lambda client: client.hosts.bulk_update(
        [{"host_name": "host00000", "update_attributes": {"alias": "x"}}]
    ),
    "ensure": lambda client: client.folders.ensure("/a/b"),
    "delete a folder": lambda client: client.folders.delete("/a"),
    "discover": lambda client: client.discovery.discover("host00000"),
    "activate": lambda client: client.activation.activate(),
}


@pytest.mark.parametrize("write", list(WRITES))
@pytest.mark.parametrize("closed", [False, True], ids=["away", "closed"])
def test_failed_reads_of_a_write_have_no_fallback(write: str, closed: bool) -> None:
    class Service(RecoveryMixin):
        def __init__(self, client: Checkmk) -> None:
            self.client = client

        @resilient(retry_policy=False, fallback=lambda: "a fallback says that it was done")
        def do(self) -> object:
            return WRITES[write](self.client)

    options = {"recovery": {"retry": {"max_retries": 0}}, "timeouts": {"settle_s": 0.1}}
    with SimulatedSite(hosts=2) as site, site.client(**options) as client:
        client.version()
        if closed:
            client.close()
        else:
            site.set_faults([Fault("reset_before")])
        try:
            done = Service(client).do()
        except CheckmkError:
            return
        assert isinstance(done, Outcomes) and not done.ok
