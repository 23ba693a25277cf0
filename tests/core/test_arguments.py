"""Checks of arguments accept booleans only if they ask for them, and not as numbers."""

from __future__ import annotations

import pytest

from checkmk_sync.core.arguments import require_type


@pytest.mark.parametrize("kinds", [bool, (bool, str), (int, bool), (type(None), bool)])
def test_booleans_are_accepted_if_bool_is_one_of_the_kinds(kinds: type) -> None:
    require_type(True, kinds, "x must be a choice")


@pytest.mark.parametrize("kinds", [int, (int, float), (str, int)])
def test_booleans_are_not_accepted_as_numbers(kinds: type) -> None:
    with pytest.raises(TypeError, match="^x must be a number, not a bool; use 1$"):
        require_type(True, kinds, "x must be a number", "; use 1")
