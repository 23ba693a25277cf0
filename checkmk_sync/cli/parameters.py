"""Conversion of the arguments in the command table to click parameters, and of their values."""

from __future__ import annotations

import math
from typing import Any, Mapping, Optional, Sequence

import click

from ..commands import Argument
from ..core.arguments import match_choice

__all__ = ["Number", "pairs", "parameter", "values"]


class Number(click.ParamType):  # type: ignore[type-arg]
    """A whole number in a range, or any number with ``kind=float``. ``name`` in upper case is the metavar."""

    # This replaces click.IntRange, which shows "INTEGER RANGE" in the help and in error messages.

    def __init__(
        self, minimum: int = 0, maximum: float = math.inf, *, kind: type[float] = int, name: str = "number"
    ) -> None:
        self.name, self._minimum, self._maximum, self._kind = name, minimum, maximum, kind

    def convert(self, value: Any, param: Optional[click.Parameter], ctx: Optional[click.Context]) -> Any:
        try:
            number = self._kind(value)
        except ValueError:
            number = math.nan
        if not self._minimum <= number <= self._maximum:  # nan is in no range
            noun = "a whole number" if self._kind is int else "a number"
            has_maximum = self._maximum < math.inf
            span = f"from {self._minimum} to {self._maximum}" if has_maximum else f"of at least {self._minimum}"
            self.fail(f"must be {noun} {span}, not {value!r}", param, ctx)
        return number


class _Choice(click.Choice):  # type: ignore[type-arg]
    """A click choice that accepts any case and unambiguous abbreviations."""

    def convert(self, value: Any, param: Optional[click.Parameter], ctx: Optional[click.Context]) -> Any:
        try:
            return match_choice(str(value), self.choices)
        except ValueError as error:
            self.fail(str(error), param, ctx)


def _option_name(argument: Argument) -> str:
    return argument.option or "--" + argument.name.replace("_", "-")


def parameter(argument: Argument) -> click.Parameter:
    if argument.required:
        metavar = f"{argument.name.upper().rstrip('S')}..." if argument.many else argument.name.upper()
        return click.Argument([argument.name], nargs=-1 if argument.many else 1, required=True, metavar=metavar)
    if argument.kind is bool:
        return click.Option([_option_name(argument), argument.name], is_flag=True, help=argument.help)
    kind: Any = str
    if argument.choices:
        kind = _Choice(argument.choices, case_sensitive=False)
    elif argument.kind is int:
        kind = Number(argument.minimum)
    aliases = ["--" + alias.replace("_", "-") for alias in argument.aliases]
    return click.Option(
        [_option_name(argument), *aliases, argument.name],
        type=kind,
        multiple=argument.many,
        default=None if argument.many else argument.default,
        show_default=argument.default is not None,
        help=argument.help,
        metavar="KEY=VALUE" if argument.kind == "pairs" else argument.metavar,
    )


def values(arguments: Sequence[Argument], inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of ``arguments`` for ``inputs`` from the command line.

    Raises click.UsageError if an input is not valid.
    """
    return {argument.name: _value(argument, inputs[argument.name]) for argument in arguments}


def _value(argument: Argument, value: Any) -> Any:
    if argument.option.startswith("--no-"):
        return not value
    if argument.kind == "pairs":
        value = pairs(argument.name, value)
    elif argument.many:
        value = list(value)
    try:
        return None if value is None else argument.convert(value)
    except ValueError as error:
        if argument.kind == "amount":
            raise click.BadParameter(str(error), param_hint=f"'{_option_name(argument)}'") from None
        raise click.UsageError(str(error)) from error


def pairs(name: str, texts: Sequence[str]) -> dict[str, str]:
    """Return the values of a repeatable option KEY=VALUE. Raises click.UsageError if one is not valid."""
    found: dict[str, str] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not (key and equals):
            raise click.UsageError(f"--{name} must be KEY=VALUE, not {text!r}")
        if key in found:
            raise click.UsageError(f"--{name} {key} occurs twice; give one value")
        found[key] = value
    return found
