"""The code of the commands of rules."""

from __future__ import annotations

from typing import Iterator, Optional

from ...catalogue.nouns import NOUNS
from ...client.checkmk import Checkmk
from ..command import Row
from ..plain_nouns import searched_fields
from .plain_nouns import row_of
from .search import matching


def effective(
    client: Checkmk, host: str, service: Optional[str], ruleset: Optional[str], search: Optional[str]
) -> Iterator[Row]:
    rows = map(row_of, client.rules.effective(host, service, ruleset=ruleset))
    return matching(rows, search, "ruleset", *searched_fields(NOUNS["rules"]))
