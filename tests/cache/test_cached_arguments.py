"""The key of a cached call is different for different arguments."""

from __future__ import annotations

import enum

from checkmk_sync.cache import cached


class Permission(enum.IntFlag):
    READ = 1
    WRITE = 2
    EXECUTE = 4


def test_combinations_of_flags_are_told_apart() -> None:
    """Some combinations have no name."""

    @cached()
    def allowed(permission: Permission) -> int:
        return int(permission)

    assert [allowed(Permission(value)) for value in (3, 6, 8, 16, 3)] == [3, 6, 8, 16, 3]
