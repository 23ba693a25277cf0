"""The labels by which this package knows its objects, and what Checkmk takes as the key of a label."""

from __future__ import annotations

from typing import Optional

__all__ = ["ADOPTED_LABEL", "OWNER_LABEL", "label_key_problem"]

OWNER_LABEL = "checkmk_sync/owner"
# Names the object that was adopted. A clone has the label too, but another name.
ADOPTED_LABEL = "checkmk_sync/adopted"


def label_key_problem(text: str) -> Optional[str]:
    """Return why a text can be neither the key of a label nor an owner; None if nothing is wrong with it."""
    if not text:
        return "it is empty"
    if ":" in text:
        return "it holds a ':'"
    if text != text.strip():
        return "it begins or ends with a blank"
    return "it holds a line break" if "\n" in text or "\r" in text else None
