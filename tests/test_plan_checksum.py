"""The checksum names all that apply would do."""

from __future__ import annotations

from checkmk_sync.sync import Plan


def test_the_checksum_covers_what_apply_does_beside_the_changes() -> None:
    """Two plans without changes are not the same when one scans hosts and activates."""
    plans = [
        Plan((), 3),
        Plan((), 3, undiscovered=("a",)),
        Plan((), 3, undiscovered=("b",)),
        Plan((), 3, own_pending=1),
        Plan((), 3, own_pending=2),
    ]
    assert len({plan.checksum for plan in plans}) == len(plans)
    assert Plan((), 3, undiscovered=("a", "b")).checksum == Plan((), 4, undiscovered=("b", "a")).checksum
    assert Plan((), 3, foreign_pending=1).checksum == plans[0].checksum, "others come and go"
