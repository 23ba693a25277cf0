"""From a YAML file or the environment to :class:`~checkmk_sync.config.settings.Settings`."""

from __future__ import annotations

import dataclasses
import os
import shlex
from typing import Any, Mapping, Optional, Union, get_type_hints

from ..core.arguments import require_type
from ..core.text import suggestion
from ..errors import SettingsError
from .documents import Document, read_yaml
from .secrets import SecretSource, warn_if_readable_by_others
from .settings import Settings, SyncSettings, prefix_field, replace_nested

__all__ = ["REQUIRED_VARIABLES", "from_env", "load", "load_sync", "override_settings", "settings_from", "suggestion"]

MAX_CHARACTERS = 2**20
_SECRET_KEYS = {
    "password": "value",
    "password_file": "file",
    "password_env": "env",
    "password_command": "command",
    "keyring": "keyring",
}
_ENVIRONMENT = {
    "CHECKMK_SERVER_URL": "server_url",
    "CHECKMK_SITE": "site",
    "CHECKMK_USERNAME": "username",
    "CHECKMK_PASSWORD": "password",
    "CHECKMK_PASSWORD_FILE": "password_file",
}
REQUIRED_VARIABLES = tuple(_ENVIRONMENT)[:3]
_PATHS = (
    ("checkmk", "password_file"),
    ("checkmk", "ca_bundle"),
    ("advanced_features", "caching", "path"),
    ("advanced_features", "caching", "redis_password_file"),
    ("sync", "map"),
)
_SECTIONS = ("checkmk", "sync", "advanced_features")
# These records stand under `advanced_features:`, and `sync` at the top; everything else of Settings under `checkmk:`.
_ADVANCED = ("streaming", "caching", "batch_processing", "metrics", "recovery")
_SYNC = "sync"
_OWN = tuple(entry.name for entry in dataclasses.fields(Settings) if entry.name not in (*_ADVANCED, _SYNC, "password"))


def load(path: Union[str, os.PathLike[str]]) -> Settings:
    """The settings in a YAML file; variables of the environment (``CHECKMK_…``) fill what it leaves out.

    SettingsError with file, line and key for a mistake, TypeError for anything else than the path of a file.
    """
    require_type(
        path, (str, os.PathLike), "the configuration is the path of a YAML file", "; Checkmk(…) takes settings"
    )
    try:
        return _load(os.fspath(path))
    except SettingsError as error:
        failure = error
    # Raised out here, because the frames below hold the password.
    raise failure.with_traceback(None) from failure.__cause__


def _load(name: str) -> Settings:
    document, status = _read(name)
    settings = settings_from(document)
    redis_password = settings.caching.redis_password
    if settings.password.value is not None or (redis_password is not None and redis_password.value is not None):
        warn_if_readable_by_others(document.source, status)
    return settings


def load_sync(path: Union[str, os.PathLike[str]]) -> SyncSettings:
    """The section ``sync`` of a configuration file, for commands that need no site."""
    document, _ = _read(os.fspath(path))
    _refuse_unknown(document, (), document.data or {}, _SECTIONS)
    settings: SyncSettings = _typed(document, (_SYNC,), _section(document, _SYNC), SyncSettings)
    return settings


def _read(name: str) -> tuple[Document, os.stat_result]:
    """Return a configuration file, with paths in it taken from its folder, and the status of the file."""
    try:
        with open(name, encoding="utf-8-sig") as source:
            status = os.fstat(source.fileno())
            text = source.read(MAX_CHARACTERS + 1)
    except OSError as error:
        raise SettingsError(f"the configuration cannot be read: {error.strerror}", file=name) from error
    except UnicodeDecodeError as error:
        raise SettingsError("the configuration is not UTF-8 text", file=name) from error
    except ValueError as error:  # a name with NUL
        raise SettingsError(f"the configuration cannot be read: {error}", file=name) from error
    if len(text) > MAX_CHARACTERS:
        raise SettingsError(f"the configuration is larger than {MAX_CHARACTERS // 2**20} MiB", file=name)
    return _resolve_paths(read_yaml(text, name), os.path.dirname(os.path.abspath(name))), status


def _resolve_paths(document: Document, folder: str) -> Document:
    """The document with the paths in it taken from the folder of its file, wherever the program is started."""
    for *sections, key in _PATHS:
        place = document.data
        for section in sections:
            place = place.get(section) if isinstance(place, dict) else None
        if isinstance(place, dict) and isinstance(place.get(key), str) and place[key]:
            place[key] = os.path.normpath(os.path.join(folder, os.path.expanduser(place[key])))
    return document


def from_env() -> Settings:
    """The settings in ``CHECKMK_SERVER_URL``, ``…_SITE``, ``…_USERNAME`` and ``…_PASSWORD`` or ``…_PASSWORD_FILE``."""
    return settings_from(Document({}, "the environment"))


def settings_from(document: Document) -> Settings:
    """The settings in a document with the sections ``checkmk``, ``sync`` and ``advanced_features``."""
    _refuse_unknown(document, (), document.data or {}, _SECTIONS)
    checkmk = dict(_section(document, "checkmk"))
    _refuse_unknown(document, ("checkmk",), checkmk, (*_OWN, *_SECRET_KEYS))
    variables = _fill_from_environment(checkmk)
    _refuse_incomplete(document, checkmk)
    values: dict[str, Any] = {"password": _secret(document, checkmk, variables)}
    values.update({name: checkmk[name] for name in _OWN if name in checkmk})
    advanced = dict(_section(document, "advanced_features"))
    _refuse_unknown(document, ("advanced_features",), advanced, _ADVANCED)
    redis_password = _redis_password(document, advanced)
    hints = get_type_hints(Settings)
    for name, value in {**values, **advanced}.items():
        section = "advanced_features" if name in _ADVANCED else "checkmk"
        if name != "password":
            values[name] = _typed(document, (section, name), value, hints[name])
    values[_SYNC] = _typed(document, (_SYNC,), _section(document, _SYNC), hints[_SYNC])
    if redis_password is not None:
        values["caching"] = dataclasses.replace(values["caching"], redis_password=redis_password)
    settings: Settings = _record(document, ("checkmk",), Settings, values)
    return settings


def override_settings(settings: Settings, config: Mapping[str, Any]) -> Settings:
    """Return a client's settings with the changes that ``config`` makes for a service.

    ``config`` has the keys of the configuration file, or of parts of it such as ``{"caching": {…}}``; what it leaves
    out stays. SettingsError for mistakes, and for settings of the client itself that differ from the client's.
    """
    document = Document(dict(config), "config")
    _refuse_unknown(document, (), document.data, ("checkmk", "advanced_features", *_ADVANCED))
    checkmk, advanced = dict(_section(document, "checkmk")), dict(_section(document, "advanced_features"))
    _refuse_unknown(document, ("checkmk",), checkmk, (*_OWN, *_SECRET_KEYS))
    _refuse_unknown(document, ("advanced_features",), advanced, _ADVANCED)
    for name in _ADVANCED:
        if name in advanced and name in config:
            raise _error_at(document, (name,), f"{name} stands twice, in advanced_features and beside it", name)
    advanced.update((name, value) for name, value in config.items() if name in _ADVANCED)
    _redis_password(document, advanced)
    changes = {name: value for name, value in (*checkmk.items(), *advanced.items()) if name not in _SECRET_KEYS}
    hints = get_type_hints(Settings)
    for name, value in changes.items():
        _typed(document, ("advanced_features" if name in _ADVANCED else "checkmk", name), value, hints[name])
    # Paths are relative to their file, so equal ones may be spelled differently here.
    changes.pop("ca_bundle", None)
    if "caching" in changes:
        changes["caching"] = {key: value for key, value in changes["caching"].items() if key != "path"}
    try:
        changed: Settings = replace_nested(settings, changes)
    except SettingsError as error:
        raise _error_at(document, (error.field,), str(error), error.field) from None
    _refuse_client_settings(document, settings, changed)
    return changed


def _refuse_client_settings(document: Document, settings: Settings, changed: Settings) -> None:
    names = [f"checkmk.{name}" for name in _OWN if getattr(settings, name) != getattr(changed, name)]
    before, after = settings.caching, changed.caching
    cache = ("backend", "status_ttl", "stale_if_error", "redis_url")  # of the client's own cache
    names += [f"caching.{name}" for name in cache if getattr(before, name) != getattr(after, name)]
    if names:
        message = f"{' and '.join(names)} cannot differ from the settings of the client: make a client of this config"
        raise _error_at(document, (), message, names[0].rpartition(".")[2])


def _redis_password(document: Document, advanced: dict[str, Any]) -> Optional[SecretSource]:
    """The password of Redis, whose keys are taken out of the section ``caching``."""
    caching = advanced.get("caching")
    if not isinstance(caching, dict):
        return None
    keys = {f"redis_{key}": place for key, place in _SECRET_KEYS.items()}
    given = {place: caching[key] for key, place in keys.items() if key in caching}
    advanced["caching"] = {key: value for key, value in caching.items() if key not in keys}
    if not given:
        return None
    try:
        return SecretSource(**given)
    except SettingsError as error:
        raise _error_at(document, ("advanced_features", "caching"), str(error), error.field) from None


def _refuse_incomplete(document: Document, checkmk: Mapping[str, Any]) -> None:
    """Everything that is missing is told at once."""
    needed = {name: variable for variable, name in _ENVIRONMENT.items() if variable in REQUIRED_VARIABLES}
    missing = [name for name in needed if not checkmk.get(name)]
    messages = [f"checkmk.{name} is missing (or set {needed[name]})" for name in missing]
    if all(checkmk.get(key) is None for key in _SECRET_KEYS):
        missing.append("password")
        messages.append(f"no password: give one of {', '.join(_SECRET_KEYS)} (or set CHECKMK_PASSWORD)")
    if missing:
        raise _error_at(document, ("checkmk",), "; ".join(messages), missing[0])


def _section(document: Document, name: str) -> Mapping[str, Any]:
    found = (document.data or {}).get(name)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise _error_at(document, (name,), f"{name} must be a mapping", name)
    return found


def _fill_from_environment(checkmk: dict[str, Any]) -> dict[str, str]:
    """Which keys were taken from which variables."""
    filled: dict[str, str] = {}
    has_secret = any(key in checkmk for key in _SECRET_KEYS)
    for variable, key in _ENVIRONMENT.items():
        if not os.environ.get(variable) or key in checkmk or (has_secret and key in _SECRET_KEYS):
            continue
        if key == "password":  # the reference is kept, not the secret
            checkmk["password_env"] = variable
            filled["password_env"] = variable
        else:
            checkmk[key] = os.environ[variable]
            filled[key] = variable
    return filled


def _secret(document: Document, checkmk: Mapping[str, Any], variables: Mapping[str, str]) -> SecretSource:
    given = {place: checkmk[key] for key, place in _SECRET_KEYS.items() if checkmk.get(key) is not None}
    for key in (key for key, place in _SECRET_KEYS.items() if place in given):
        if key == "password_command":
            given["command"] = _command(document, checkmk[key])
        elif not isinstance(checkmk[key], str):
            raise _error_at(document, ("checkmk", key), f"checkmk.{key} must be a text; put it in quotes", key)
        if not checkmk[key]:
            raise _error_at(document, ("checkmk", key), f"checkmk.{key} is empty", key)
    if len(given) > 1:
        names = [variables.get(key, key) for key, place in _SECRET_KEYS.items() if place in given]
        message = f"exactly one source for the password is needed, {' and '.join(names)} are given"
        raise _error_at(document, ("checkmk",), message, "password")
    return SecretSource(**given)


def _command(document: Document, given: Any) -> str:
    """A password command as one text; a list holds the command and each of its arguments."""
    words = [given] if isinstance(given, str) else given
    if not (isinstance(words, list) and words and all(isinstance(word, str) for word in words)):
        message = "checkmk.password_command must be a text or a list of texts"
        raise _error_at(document, ("checkmk", "password_command"), message, "password_command")
    return given if isinstance(given, str) else shlex.join(words)


def _typed(document: Document, path: tuple[str, ...], value: Any, hint: Any) -> Any:
    """``value`` when it is of the type that a field declares; a mapping becomes the record it describes."""
    if dataclasses.is_dataclass(hint):
        if not isinstance(value, dict):
            raise _error_at(document, path, f"{'.'.join(path)} must be a mapping", path[-1])
        hints = get_type_hints(hint)
        _refuse_unknown(document, path, value, tuple(hints))
        inner = {name: _typed(document, (*path, name), entry, hints[name]) for name, entry in value.items()}
        return _record(document, path, hint, inner)
    optional = type(None) in getattr(hint, "__args__", ())
    wanted, *others = (kind for kind in getattr(hint, "__args__", (hint,)) if kind is not type(None))
    if others or (value is None and optional):  # of several types: the record says what is wrong with it
        return value
    accepted = (int, float) if wanted is float else (wanted,)
    if not isinstance(value, accepted) or (isinstance(value, bool) and wanted is not bool):
        kind = {str: "a text", bool: "true or false", int: "a whole number", float: "a number"}[wanted]
        raise _error_at(document, path, f"{'.'.join(path)} must be {kind}, not {value!r}", path[-1])
    return value


def _record(document: Document, path: tuple[str, ...], kind: Any, values: Mapping[str, Any]) -> Any:
    try:
        return kind(**values)
    except SettingsError as error:
        message = prefix_field("".join(f"{step}." for step in path), error)
        raise _error_at(document, (*path, error.field or ""), message, error.field) from None


def _refuse_unknown(document: Document, path: tuple[str, ...], found: Any, known: tuple[str, ...]) -> None:
    if not isinstance(found, dict):
        raise _error_at(document, path, "the configuration must be a mapping", None)
    for key in found:
        if key not in known:
            where = ".".join((*path, str(key)))
            raise _error_at(document, (*path, key), f"unknown setting {where}{suggestion(str(key), known)}", str(key))


def _error_at(document: Document, path: tuple[Any, ...], message: str, field: Optional[str]) -> SettingsError:
    return SettingsError(message, file=document.source, line=document.line(path), field=field)
