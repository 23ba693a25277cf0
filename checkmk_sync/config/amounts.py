"""Amounts: a number, or a percentage of a total."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Optional

_PERCENT = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)\s*%", re.ASCII)
_NUMBER = re.compile(r"\d{1,9}", re.ASCII)


@dataclass(frozen=True)
class Amount:
    """Either a whole ``number``, or a ``percent`` of a total. The other field is None."""

    number: Optional[int] = None
    percent: Optional[Decimal] = None

    @classmethod
    def parse(cls, value: object) -> Amount:
        """Parse ``40``, ``"40"`` or ``"30%"``. Raises ValueError for any other value."""
        text = str(value).strip() if isinstance(value, (int, str)) and not isinstance(value, bool) else ""
        if _NUMBER.fullmatch(text):
            return cls(number=int(text))
        match = _PERCENT.fullmatch(text)
        if match and Decimal(match[1]) <= 100:
            return cls(percent=Decimal(match[1]))
        raise ValueError(f"must be a whole number or a percentage up to 100 %, such as 40 or 30%, not {value!r}")

    def __str__(self) -> str:
        return str(self.number) if self.percent is None else f"{self.percent.normalize():f} %"
