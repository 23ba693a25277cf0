"""The checksum covers everything that apply would do."""

from __future__ import annotations

from checkmk_sync.client.nouns.activation import PendingChange
from checkmk_sync.sync import Plan


def _pending(*ids: str, user: str = "me") -> Plan:
    return Plan((), 3, pending=tuple(PendingChange(each, user, "edit-host", "x", "") for each in ids), user="me")


def test_the_checksum_covers_discovery_and_activation() -> None:
    """Two plans without changes differ if one of them scans hosts and activates."""
    plans = [
        Plan((), 3),
        Plan((), 3, undiscovered=("a",)),
        Plan((), 3, undiscovered=("b",)),
        _pending("1"),
        _pending("2"),
        _pending("1", "2"),
    ]
    assert len({plan.checksum for plan in plans}) == len(plans)
    assert Plan((), 3, undiscovered=("a", "b")).checksum == Plan((), 4, undiscovered=("b", "a")).checksum
    assert _pending("1", user="they").checksum == plans[0].checksum, "changes of other users are not covered"
