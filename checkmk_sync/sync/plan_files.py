"""Save plans to files, and load them. A file contains references to secrets (``secret:NAME``), but no secrets."""

from __future__ import annotations

import contextlib
import json
import os
import re
from dataclasses import replace
from typing import Any, Iterator, Union

from ..catalogue.literals import read_literal
from ..config.amounts import Amount
from ..config.documents import MAX_BYTES, read_json
from ..config.plain_records import FieldError, RecordCodec
from ..config.secrets import read_file
from ..core.arguments import require_type
from ..core.private_files import replacement
from ..errors import SettingsError
from .changes import NEW_NAME, Action, Change, as_text, hidden, holds_secret
from .executors import EXECUTORS
from .kinds import ADOPTED, AFTER, BEFORE, FOLDER, KINDS, NODES, OWNER, Property, SyncKind
from .observed import ExistingObject
from .plan import Plan

PathLike = Union[str, "os.PathLike[str]"]

FORMAT, VERSION = "checkmk_sync plan", 1
_START = re.compile(rf'\s*\{{\s*"format"\s*:\s*"{FORMAT}"')
_PLACES = (FOLDER, BEFORE, AFTER)


def save_plan(plan: Plan, path: PathLike) -> None:
    """Save a plan to a file that only its owner can read. The file replaces an existing one as a whole.

    Raises SettingsError if the file cannot be written, or if the plan contains a secret in the clear. In that case,
    write ``secret:NAME`` in the inventory in place of the secret.
    """
    require_type(plan, Plan, "save_plan needs the result of make_plan(CLIENT, DESIRED)")
    for change in plan.changes:
        _refuse_secrets(change)
    head = {"format": FORMAT, "version": VERSION, "checksum": plan.checksum}
    data = {**head, **PlanCodec(with_secrets=False).to_plain(replace(plan, is_saved=False))}
    # One line for each change, so that two plans can be compared line by line.
    changes = ",\n".join(map(to_json, data.pop("changes")))
    fields = "".join(f"{to_json(name)}: {to_json(value)},\n" for name, value in data.items())
    text = f'{{{fields}"changes": [\n{changes}\n]}}\n'
    with writing_errors("the plan", path):
        text.encode()  # a string can contain half of a character
        with replacement(path) as file:
            file.write(text)


def load_plan(path: PathLike) -> Plan:
    """Return the plan in a file. Applying it reads again the objects that it changes.

    Raises SettingsError, which names the field, if the file is not a plan that :func:`save_plan` has written.
    """
    name = os.fspath(path)
    text, _ = read_file(name, "the plan", limit=MAX_BYTES, file=name)
    data = read_json(text, name).data
    if not isinstance(data, dict) or data.pop("format", None) != FORMAT:
        raise SettingsError("this file is not a saved plan; save one with the command plan", file=name, field="format")
    version, checksum = data.pop("version", None), data.pop("checksum", None)
    if version != VERSION:
        message = f"version must be {VERSION}, not {version!r}; make the plan again with this version of checkmk_sync"
        raise SettingsError(message, file=name, field="version")
    try:
        plan: Plan = PlanCodec().from_plain(Plan, data)
    except FieldError as error:
        raise SettingsError(str(error), file=name, field=error.field) from None
    if plan.checksum != checksum:
        message = "checksum does not match the plan, so the file was changed after it was saved; make the plan again"
        raise SettingsError(message, file=name, field="checksum")
    return replace(plan, is_saved=True)


def is_plan_file(path: PathLike) -> bool:
    """Return True if a file starts like a saved plan."""
    try:
        with open(path, encoding="utf-8") as file:
            return _START.match(file.read(200)) is not None
    except (OSError, ValueError):
        return False


def to_json(value: Any) -> str:
    """Return plain data as JSON on one line."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


@contextlib.contextmanager
def writing_errors(label: str, path: PathLike) -> Iterator[None]:
    """Raise SettingsError if the block cannot write a file."""
    try:
        yield
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "a value contains half of a character"
        raise SettingsError(f"{label} cannot be written: {reason}", file=os.fspath(path)) from None


def _refuse_secrets(change: Change) -> None:
    list_name = change.value(KINDS[change.kind].listed_by) or ""
    for path, value in change.new_values.items():
        if holds_secret(change.kind, path, value, list_name):
            name = ".".join(path)
            is_label = KINDS[change.kind].noun is None and path[0] == "labels"
            hint = "give the label another name" if is_label else "write secret:NAME in the inventory instead"
            message = f"{name} of {change.name} contains a secret, which a saved plan must not contain; {hint}"
            raise SettingsError(message, field=name)


class PlanCodec(RecordCodec):
    """Converts plans and their parts to plain data and back, with or without the secrets of existing objects."""

    def __init__(self, *, with_secrets: bool = True) -> None:
        self._with_secrets = with_secrets

    def to_plain(self, value: Any) -> Any:
        """Return a value as plain data. The values of literals become texts."""
        if isinstance(value, Amount):
            return str(value)
        if isinstance(value, Change):
            pairs = value.properties.items()
            texts = {path: tuple(as_text(value.kind, path, part) for part in pair) for path, pair in pairs}
            return super().to_plain(replace(value, properties=texts))
        if isinstance(value, ExistingObject):
            kind, now = value.kind, value.properties
            list_name = now.get(KINDS[kind].listed_by, "")
            shown = now if self._with_secrets else {path: hidden(kind, path, now[path], list_name) for path in now}
            texts = {path: as_text(kind, path, part) for path, part in shown.items()}
            return super().to_plain(replace(value, properties=texts))
        return super().to_plain(value)

    def from_plain(self, annotation: Any, data: Any, field: str = "") -> Any:
        """Return the value of an annotated type. Raises FieldError for data that it cannot have."""
        if annotation is Amount:
            try:
                return Amount.parse(data)
            except ValueError as error:
                raise FieldError(field, f"{field} {error}") from None
        value = super().from_plain(annotation, data, field)
        if annotation in (Change, ExistingObject):
            _check_properties(value, field)
            values = {path: _from_text(value, path, text, field) for path, text in value.properties.items()}
            value = replace(value, properties=values)
        if annotation is Change:
            _check_action(value, field)
        return value


def _check_properties(record: Union[Change, ExistingObject], field: str) -> None:
    if record.kind not in KINDS:
        raise FieldError(f"{field}.kind", f"{field}.kind must be one of {', '.join(KINDS)}, not {record.kind!r}")
    for path in record.properties:
        if not _can_have(KINDS[record.kind], path):
            place = f"{field}.properties.{'.'.join(path)}"
            raise FieldError(place, f"{place} is not a property of {record.kind} objects")


def _can_have(kind: SyncKind, path: Property) -> bool:
    if kind.noun is not None:
        return kind.field_at(path) is not None or path in (OWNER, ADOPTED, BEFORE, AFTER)
    return (len(path) == 2 and path[0] in ("attributes", "labels")) or path in (FOLDER, ("title",), NODES, NEW_NAME)


def _from_text(record: Union[Change, ExistingObject], path: Property, text: Any, field: str) -> Any:
    known = KINDS[record.kind].field_at(path)
    if known is None or not known.literal:
        return text
    try:
        return tuple(map(read_literal, text)) if isinstance(record, Change) else read_literal(text)
    except ValueError as error:
        place = f"{field}.properties.{'.'.join(path)}"
        raise FieldError(place, f"{place} is not valid: {error}") from None


def _check_action(change: Change, field: str) -> None:
    noun, action = KINDS[change.kind].noun, change.action
    is_rename = action is Action.RENAME
    if (action, change.kind) not in EXECUTORS and (is_rename or noun is None or not noun.supports(action.value)):
        message = f"{field}.action {action.value!r} is not possible for {change.kind} objects"
        raise FieldError(f"{field}.action", message)
    if action is not Action.CREATE and change.existing is None:
        raise FieldError(f"{field}.existing", f"{field}.existing is missing")
    needed = (NEW_NAME,) if is_rename else _PLACES if action is Action.MOVE else ()
    if needed and change.properties.keys().isdisjoint(needed):
        names = " or ".join(path[0] for path in needed)
        raise FieldError(f"{field}.properties", f"{field}.properties must contain {names}")
