"""Checkmk versions and their order."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from typing import Optional

_VERSION = re.compile(r"(\d+)\.(\d+)\.(\d+)(?:([ibp])(\d+))?(?:-(rc\d*|\d[\d.]*\d|[a-z]+))?(?:\.([a-z]+))?")
# Checkmk: within a release line, the order is innovation releases, betas, the release, patches.
_STAGES = {"i": 0, "b": 1, None: 2, "p": 3}


@dataclass(frozen=True)
class CheckmkVersion:
    """A version such as ``2.4.0p18``. Versions are compared by ``key``, so that ``p10`` is later than ``p9``."""

    text: str
    key: tuple[int, int, int, int, int]

    @classmethod
    @functools.lru_cache(maxsize=256)
    def parse(cls, text: str) -> CheckmkVersion:
        """Parse a version. Raises ValueError if it is not valid.

        The input is ``2.4.0p18``, ``2.4.0p18.cre``, ``2.5.0b3``, a release candidate such as ``2.3.0p5-rc1``, or a
        build such as ``2.5.0-2026.03.27`` or ``2.4.0-sandbox``. A release candidate counts as its release, and a build
        as the newest version of its release line.
        """
        match = _VERSION.fullmatch(text.strip())
        if not match:
            raise ValueError(f"{text!r} is not a Checkmk version such as 2.4.0p18")
        major, minor, line, stage, number, build, _edition = match.groups()
        is_newest = build is not None and not build.startswith("rc")
        key = (int(major), int(minor), int(line), 4 if is_newest else _STAGES[stage], int(number or 0))
        short = f"{major}.{minor}.{line}{stage or ''}{number or ''}"
        return cls(text.strip() if build else short, key)

    def __str__(self) -> str:
        return self.text

    def at_least(self, text: str) -> bool:
        """Return True if this is version ``text`` or later, such as ``at_least("2.3.0p23")``."""
        return self.key >= CheckmkVersion.parse(text).key

    def is_between(self, since: Optional[str], until: Optional[str]) -> bool:
        """Return True if this is version ``since`` or later, and earlier than ``until``. None means no limit."""
        return (since is None or self.at_least(since)) and (until is None or not self.at_least(until))
