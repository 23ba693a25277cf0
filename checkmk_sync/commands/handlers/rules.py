"""The code of the commands of rules."""

from __future__ import annotations

from typing import Iterator, Optional

from ...catalogue.nouns import NOUNS
from ...client.checkmk import Checkmk
from ..command import Row
from .plain_nouns import row_of

__all__ = ["check_target", "effective", "move"]


def check_target(**arguments: Optional[str]) -> None:
    """Raise ValueError unless exactly one of the targets of a move is given."""
    given = [name for name in ("before", "after", "top_of", "bottom_of") if arguments.get(name) is not None]
    if len(given) != 1:
        raise ValueError("give exactly one of before, after, top_of and bottom_of")


def move(client: Checkmk, **arguments: Optional[str]) -> Row:
    rule_id = str(arguments.pop(NOUNS["rules"].key.name))
    return row_of(client.rules.move(rule_id, **arguments))


def effective(client: Checkmk, host: str, service: Optional[str], ruleset: Optional[str]) -> Iterator[Row]:
    return map(row_of, client.rules.effective(host, service, ruleset=ruleset))
