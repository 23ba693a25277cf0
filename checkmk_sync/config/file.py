"""Readers of :class:`~checkmk_sync.config.settings.Settings` from a YAML file and from environment variables."""

from __future__ import annotations

import dataclasses
import functools
import os
import shlex
from types import MappingProxyType
from typing import Any, Mapping, Optional, Union

from ..core.arguments import require_type
from ..core.text import suggestion
from ..errors import SettingsError
from .documents import Document, read_yaml
from .records import create_record, replace_nested
from .secrets import SecretSource, read_file, warn_if_readable_by_others
from .settings import Settings, SyncSettings

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
_REQUIRED = tuple(_ENVIRONMENT.values())[:3]
_PATHS = (
    ("checkmk", "password_file"),
    ("checkmk", "ca_bundle"),
    ("advanced_features", "caching", "path"),
    ("advanced_features", "caching", "redis_password_file"),
    ("sync", "map"),
)
_SECTIONS = ("checkmk", "sync", "secrets", "advanced_features")
_SOURCES = tuple(_SECRET_KEYS.values())
# The file has these records under `advanced_features:`, `sync` at the top level, and all other fields under `checkmk:`.
_ADVANCED = ("streaming", "caching", "batch_processing", "metrics", "recovery")
_SYNC, _SECRETS = "sync", "secrets"
_NOT_OWN = (*_ADVANCED, _SYNC, _SECRETS, "password")
_OWN = tuple(entry.name for entry in dataclasses.fields(Settings) if entry.name not in _NOT_OWN)


def load(path: Union[str, os.PathLike[str]]) -> Settings:
    """Read the settings from a YAML file.

    Environment variables (``CHECKMK_…``) supply settings that are missing in the file. Raises SettingsError, with file,
    line and key, for a mistake in the file, and TypeError if ``path`` is not a path.
    """
    require_type(
        path,
        (str, os.PathLike),
        "the configuration must be the path of a YAML file",
        "; use Checkmk(…) to pass settings",
    )
    try:
        return _load(os.fspath(path))
    except SettingsError as error:
        failure = error
    # Raised here without its traceback, because the frames below contain the password.
    raise failure.with_traceback(None) from failure.__cause__


def _load(name: str) -> Settings:
    document, status = _read(name)
    settings = settings_from(document)
    redis_password = settings.caching.redis_password
    sources = (settings.password, *settings.secrets.values(), *((redis_password,) if redis_password else ()))
    if any(source.value is not None for source in sources):
        warn_if_readable_by_others(document.source, status)
    return settings


def load_sync(path: Union[str, os.PathLike[str]]) -> SyncSettings:
    """Read only the section ``sync`` of a configuration file, for commands that do not need a site.

    Raises SettingsError like :func:`load`.
    """
    document, _ = _read(os.fspath(path))
    _refuse_unknown(document, (), document.data or {}, _SECTIONS)
    return _sync_settings(document)


def _sync_settings(document: Document) -> SyncSettings:
    settings: SyncSettings = _changed(document, SyncSettings(), _section(document, _SYNC), _SYNC)
    return settings


def _read(name: str) -> tuple[Document, os.stat_result]:
    """Return the document in a configuration file, with its relative paths resolved, and the status of the file."""
    text, status = read_file(name, "the configuration", file=name)
    return _resolve_paths(read_yaml(text, name), os.path.dirname(os.path.abspath(name))), status


def _resolve_paths(document: Document, folder: str) -> Document:
    """Replace the paths in a document, which are relative to the folder of its file, with absolute ones."""
    secrets = document.data.get(_SECRETS) if isinstance(document.data, dict) else None
    of_secrets = [(_SECRETS, name, "file") for name in secrets] if isinstance(secrets, dict) else []
    for *sections, key in (*_PATHS, *of_secrets):
        settings = document.data
        for section in sections:
            settings = settings.get(section) if isinstance(settings, dict) else None
        if isinstance(settings, dict) and isinstance(settings.get(key), str) and settings[key]:
            settings[key] = os.path.normpath(os.path.join(folder, os.path.expanduser(settings[key])))
    return document


def from_env() -> Settings:
    """Read the settings from environment variables.

    These are ``CHECKMK_SERVER_URL``, ``CHECKMK_SITE``, ``CHECKMK_USERNAME``, and either ``CHECKMK_PASSWORD`` or
    ``CHECKMK_PASSWORD_FILE``. Raises SettingsError, which names all missing variables.
    """
    return settings_from(Document({}, "the environment"))


def settings_from(document: Document) -> Settings:
    """Read the settings from a document with the sections ``checkmk``, ``sync`` and ``advanced_features``."""
    _refuse_unknown(document, (), document.data or {}, _SECTIONS)
    checkmk = _known_section(document, "checkmk", (*_OWN, *_SECRET_KEYS))
    variables = _fill_from_environment(checkmk)
    _refuse_incomplete(document, checkmk)
    password = _secret_source(document, ("checkmk",), checkmk, _SECRET_KEYS, "the password", variables)
    secrets = {name: _named_secret(document, name) for name in _section(document, _SECRETS)}
    advanced = _known_section(document, "advanced_features", _ADVANCED)
    _read_redis_password(document, advanced)
    values = {**{name: checkmk[name] for name in _REQUIRED}, "password": password, "secrets": secrets}
    settings: Settings = create_record(Settings, values, ("checkmk",), functools.partial(_error_at, document))
    settings = _changed(document, settings, {name: checkmk[name] for name in _OWN if name in checkmk}, "checkmk")
    settings = _changed(document, settings, advanced, "advanced_features")
    return dataclasses.replace(settings, sync=_sync_settings(document))


def override_settings(settings: Settings, config: Mapping[str, Any]) -> Settings:
    """Return a copy of a client's settings, changed by the ``config`` of a service.

    ``config`` has the structure of the configuration file, or of a part of it such as ``{"caching": {…}}``. Settings
    that are missing in it stay the same. Raises SettingsError for a mistake, and for a change of a setting that a
    service shares with its client.
    """
    document = Document(dict(config), "config")
    _refuse_unknown(document, (), document.data, ("checkmk", "advanced_features", *_ADVANCED))
    checkmk = _known_section(document, "checkmk", (*_OWN, *_SECRET_KEYS))
    advanced = _known_section(document, "advanced_features", _ADVANCED)
    for name in _ADVANCED:
        if name in advanced and name in config:
            raise _error_at(document, (name,), f"{name} occurs twice, in advanced_features and at the top level", name)
    advanced.update((name, value) for name, value in config.items() if name in _ADVANCED)
    _read_redis_password(document, advanced)
    # Paths and passwords are not compared, because those of the client are already resolved relative to its file.
    own = {name: value for name, value in checkmk.items() if name in _OWN and name != "ca_bundle"}
    if isinstance(advanced.get("caching"), dict):
        own_cache = ("path", "redis_password")
        advanced["caching"] = {key: value for key, value in advanced["caching"].items() if key not in own_cache}
    changed: Settings = _changed(document, settings, own, "checkmk")
    changed = _changed(document, changed, advanced, "advanced_features")
    _refuse_client_settings(document, settings, changed)
    return changed


def _refuse_client_settings(document: Document, settings: Settings, changed: Settings) -> None:
    names = [f"checkmk.{name}" for name in _OWN if getattr(settings, name) != getattr(changed, name)]
    before, after = settings.caching, changed.caching
    cache = ("backend", "status_ttl", "stale_if_error", "redis_url")  # these belong to the client's own cache
    names += [f"caching.{name}" for name in cache if getattr(before, name) != getattr(after, name)]
    if names:
        message = f"{' and '.join(names)} must not differ from the client's settings; create a client with this config"
        raise _error_at(document, (), message, names[0].rpartition(".")[2])


def _changed(document: Document, record: Any, changes: Mapping[str, Any], section: str) -> Any:
    """Return a settings record, changed by a section of the document."""
    return replace_nested(record, changes, (section,), functools.partial(_error_at, document))


def _secret_source(
    document: Document,
    path: tuple[str, ...],
    section: Mapping[str, Any],
    keys: Mapping[str, str],
    label: str,
    variables: Mapping[str, str] = MappingProxyType({}),
) -> Optional[SecretSource]:
    """Return the source of a secret in a section, or None if the section has none of the ``keys``.

    ``keys`` maps the keys to fields of :class:`.SecretSource`. ``variables`` maps the keys that come from the
    environment to the names of their variables.
    """
    given = {key: section[key] for key in keys if section.get(key) is not None}
    for key, value in given.items():
        is_command = keys[key] == "command"
        if is_command and value and isinstance(value, list) and all(isinstance(word, str) for word in value):
            given[key] = shlex.join(value)  # a list has one entry per argument
        elif not isinstance(value, str):
            needed = "a string or a list of strings" if is_command else "a string; put it in quotes"
            raise _invalid(document, (*path, key), f"must be {needed}")
        elif not value:
            raise _invalid(document, (*path, key), "must not be empty")
    if len(given) > 1:
        names = " and ".join(variables.get(key, key) for key in given)
        raise _error_at(document, path, f"{label} must have exactly one source, but {names} are given", "password")
    return SecretSource(**{keys[key]: value for key, value in given.items()}) if given else None


def _read_redis_password(document: Document, advanced: dict[str, Any]) -> None:
    """Replace the keys of the password of Redis in the section ``caching`` with the source of the password."""
    caching = advanced.get("caching")
    if isinstance(caching, dict):
        keys = {f"redis_{key}": source for key, source in _SECRET_KEYS.items()}
        path = ("advanced_features", "caching")
        source = _secret_source(document, path, caching, keys, "the password of Redis")
        others = {key: value for key, value in caching.items() if key not in keys}
        advanced["caching"] = {**others, "redis_password": source}


def _named_secret(document: Document, name: Any) -> SecretSource:
    """Return the source of an entry of the section ``secrets``, such as ``snmp: {env: SNMP_PASSWORD}``."""
    entry, path, source = document.data[_SECRETS][name], (_SECRETS, str(name)), None
    if isinstance(name, str) and isinstance(entry, dict):
        _refuse_unknown(document, path, entry, _SOURCES)
        source = _secret_source(document, path, entry, {key: key for key in _SOURCES}, f"secrets.{name}")
    if source is None:
        needed = f"a mapping with one of the keys {', '.join(_SOURCES)}"
        raise _error_at(document, path, f"secrets.{name} must be {needed}", str(name))
    return source


def _refuse_incomplete(document: Document, checkmk: Mapping[str, Any]) -> None:
    """Raise SettingsError if settings are missing. The message names all of them."""
    needed = dict(zip(_REQUIRED, REQUIRED_VARIABLES))
    missing = [name for name in needed if not checkmk.get(name)]
    messages = [f"checkmk.{name} is missing (add it or set {needed[name]})" for name in missing]
    if all(checkmk.get(key) is None for key in _SECRET_KEYS):
        missing.append("password")
        messages.append(f"the password is missing (add one of {', '.join(_SECRET_KEYS)}, or set CHECKMK_PASSWORD)")
    if missing:
        raise _error_at(document, ("checkmk",), "; ".join(messages), missing[0])


def _section(document: Document, name: str) -> Mapping[str, Any]:
    section = (document.data or {}).get(name)
    if section is None:
        return {}
    if not isinstance(section, dict):
        raise _invalid(document, (name,), "must be a mapping")
    return section


def _known_section(document: Document, name: str, known: tuple[str, ...]) -> dict[str, Any]:
    """Return a copy of a section. Raises SettingsError for an unknown key."""
    section = dict(_section(document, name))
    _refuse_unknown(document, (name,), section, known)
    return section


def _fill_from_environment(checkmk: dict[str, Any]) -> dict[str, str]:
    """Add missing values to the section from the environment. Return a mapping of added keys to their variables."""
    filled: dict[str, str] = {}
    has_secret = any(key in checkmk for key in _SECRET_KEYS)
    for variable, name in _ENVIRONMENT.items():
        if not os.environ.get(variable) or name in checkmk or (has_secret and name in _SECRET_KEYS):
            continue
        key = "password_env" if name == "password" else name  # the reference is kept, not the secret
        checkmk[key] = variable if name == "password" else os.environ[variable]
        filled[key] = variable
    return filled


def _refuse_unknown(document: Document, path: tuple[str, ...], section: Any, known: tuple[str, ...]) -> None:
    if not isinstance(section, dict):
        raise _error_at(document, path, "the configuration must be a mapping", None)
    for key in section:
        if key not in known:
            name = ".".join((*path, str(key)))
            raise _error_at(document, (*path, key), f"unknown setting {name}{suggestion(str(key), known)}", str(key))


def _invalid(document: Document, path: tuple[str, ...], message: str) -> SettingsError:
    """Return an error about the value at ``path``. The full key precedes the message."""
    return _error_at(document, path, f"{'.'.join(path)}: {message}", path[-1])


def _error_at(document: Document, path: tuple[Any, ...], message: str, field: Optional[str]) -> SettingsError:
    return SettingsError(message, file=document.source, line=document.position(path).line, field=field)
