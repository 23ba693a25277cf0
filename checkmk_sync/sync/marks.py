"""Marks of owners in comments, for kinds without labels: a line ``checkmk_sync/owner: NAME KEY``.

KEY is the key of the marked object. It reveals a clone, whose mark still contains the key of its original.
"""

from __future__ import annotations

import re
from typing import Any, Mapping, Optional

from ..catalogue.labels import OWNER_LABEL
from ..catalogue.noun import Record
from .kinds import ADOPTED, OWNER, Property

MARK = f"{OWNER_LABEL}: NAME KEY"
_LINE = re.compile(rf"^{re.escape(OWNER_LABEL)}: (?P<owner>.+) (?P<key>\S+)[^\S\n]*$", re.MULTILINE)


def contains_mark_line(text: str) -> bool:
    """Return True if a comment contains a line that looks like a mark."""
    return any(line.strip().startswith(f"{OWNER_LABEL}:") for line in text.splitlines())


def _without_marks(text: str) -> str:
    return _LINE.sub("", text).strip("\n") if _LINE.search(text) else text


def marked(text: str, owner: Optional[str], key: str) -> str:
    """Return a comment with the mark of ``owner`` as its last line, in place of earlier marks."""
    lines = [_without_marks(text), "" if owner is None else f"{OWNER_LABEL}: {owner} {key}"]
    return "\n".join(filter(None, lines))


def properties_of(record: Record) -> dict[Property, Any]:
    """Return the properties of an object as plans compare them.

    The owner and the key of a mark become the properties OWNER and ADOPTED, and the comment is shown without the mark.
    """
    properties: dict[Property, Any] = {(name,): value for name, value in record.values().items()}
    mark = record.noun.mark
    text = properties.get((mark or "",))
    if mark is not None and isinstance(text, str):
        properties.update(_mark_in(text))
        properties[mark,] = _without_marks(text)
    return properties


def _mark_in(text: str) -> Mapping[Property, str]:
    found = _LINE.search(text)
    return {} if found is None else {OWNER: found["owner"], ADOPTED: found["key"]}
