"""Replaces references to secrets in a plan. The section ``secrets`` of the configuration defines the secrets."""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import Any, Iterable, Mapping, Optional

from ..config.secrets import SecretSource, reveal_named, secret_name
from .changes import Change
from .kinds import KINDS, Property

__all__ = ["with_secrets"]


def with_secrets(changes: Iterable[Change], sources: Mapping[str, SecretSource], username: str) -> tuple[Change, ...]:
    """Return the changes with secrets in place of the references ``secret:NAME``. Each secret is fetched once.

    Raises SettingsError if a secret is not defined or cannot be fetched.
    """

    @functools.cache
    def reveal(name: str) -> str:
        return reveal_named(sources, name, username)

    def revealed(change: Change) -> Change:
        names = {path: name for path, value in change.new_values.items() if (name := _reference(change, path, value))}
        if not names:
            return change
        secrets = {path: (change.properties[path][0], reveal(name)) for path, name in names.items()}
        return replace(change, properties={**change.properties, **secrets})

    return tuple(map(revealed, changes))


def _reference(change: Change, path: Property, value: Any) -> Optional[str]:
    field = KINDS[change.kind].field_at(path)
    return secret_name(value) if field is not None and field.secret else None
