"""The labels by which this package marks its objects, and the rules for the key of a label."""

from __future__ import annotations

from typing import Optional

OWNER_LABEL = "checkmk_sync/owner"
# Its value is the name of the adopted object. This reveals a clone, which copies the label but has another name.
ADOPTED_LABEL = "checkmk_sync/adopted"


def label_key_problem(text: str) -> Optional[str]:
    """Return why ``text`` cannot be the key of a label or an owner, or None if it is valid."""
    if not text:
        return "it is empty"
    if ":" in text:
        return "it contains a ':'"
    if text != text.strip():
        return "it starts or ends with a space"
    return "it contains a line break" if "\n" in text or "\r" in text else None
