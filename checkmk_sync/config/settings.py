"""All settings as frozen, picklable records. Field names are the keys of the configuration file."""

from __future__ import annotations

import ipaddress
import math
import os
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any, Mapping, Optional, Union
from urllib.parse import urlsplit

from ..core.arguments import describe_type
from ..core.redaction import HiddenURL, hide_userinfo
from ..core.text import is_encoding, suggestion
from ..errors import SettingsError
from .amounts import Amount
from .secrets import SecretSource
from .urls import check_proxy, check_redis_url, checked_server_url

__all__ = [
    "BatchSettings",
    "BreakerSettings",
    "CachingSettings",
    "LimitSettings",
    "MetricsSettings",
    "RecoverySettings",
    "RetrySettings",
    "Settings",
    "StreamingSettings",
    "SyncLimits",
    "SyncSettings",
    "Timeouts",
]


BACKENDS = ("memory", "sqlite", "redis")
STRATEGIES = ("fixed", "linear", "exponential_backoff")


def _check(owner: Any, **minimum: float) -> None:
    """Refuse numbers below their minimum, and parts of what is counted; None means "not set" and is left alone."""
    counts = {entry.name for entry in fields(owner) if entry.type == "int"}
    for name, least in minimum.items():
        value = getattr(owner, name)
        if value is None:
            continue
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            raise SettingsError(f"{name} must be a number, not {value!r}", field=name)
        if not math.isfinite(value):
            raise SettingsError(f"{name} must be a finite number, not {value!r}", field=name)
        if name in counts and not isinstance(value, int):
            raise SettingsError(f"{name} must be a whole number, not {value!r}", field=name)
        if value < least:
            raise SettingsError(f"{name} must be at least {least:g}, not {value!r}", field=name)


@dataclass(frozen=True)
class Timeouts:
    """Seconds. Checkmk: the web server gives up after 120 s, while the site goes on working."""

    connect_s: float = 10.0
    read_s: float = 60.0
    bulk_s: float = 120.0  # bulk calls, discovery and deleting
    total_s: float = 300.0  # one call with all its repeats and waits
    settle_s: float = 30.0  # how long a write with a lost answer is looked for

    def __post_init__(self) -> None:
        _check(self, connect_s=0.001, read_s=0.001, bulk_s=0.001, total_s=0.001, settle_s=0)


@dataclass(frozen=True)
class LimitSettings:
    """How hard a site may be driven, and how large an answer may be once it is decompressed.

    Checkmk: a site has 64 workers, which its GUI needs as well.
    """

    reads_in_flight: int = 4
    requests_per_second: Optional[float] = None
    max_reply_mb: float = 32.0  # lists are streamed, so that for them this is the limit of one item

    def __post_init__(self) -> None:
        _check(self, reads_in_flight=1, requests_per_second=0.001, max_reply_mb=0.001)
        if self.reads_in_flight > 8:
            raise SettingsError("reads_in_flight must be at most 8", field="reads_in_flight")


@dataclass(frozen=True)
class StreamingSettings:
    """``default_batch_size`` is the number of items on a page. The services of many hosts are read in parts,
    ``max_concurrent_batches`` at a time; what waits for its turn takes at most ``memory_limit_mb``."""

    default_batch_size: int = 100
    max_concurrent_batches: int = 4
    memory_limit_mb: float = 100.0

    def __post_init__(self) -> None:
        _check(self, default_batch_size=1, max_concurrent_batches=1, memory_limit_mb=1)


@dataclass(frozen=True)
class CachingSettings:
    """``default_ttl`` is for the configuration, ``status_ttl`` for the monitoring state, in seconds; 0 is off.

    ``stale_if_error`` is for how many seconds longer an answer may stand in for one that fails.
    """

    enabled: bool = True
    backend: str = "memory"
    max_size: int = 1000
    max_mb: float = 64.0
    default_ttl: float = 60.0
    status_ttl: float = 5.0
    stale_if_error: float = 0.0
    cleanup_interval: float = 300.0
    path: str = "~/.cache/checkmk_sync/answers.sqlite"  # of the backend sqlite
    redis_url: Optional[str] = None
    redis_password: Optional[SecretSource] = None

    def __post_init__(self) -> None:
        _check(self, max_size=1, max_mb=0.001, default_ttl=0, status_ttl=0, stale_if_error=0, cleanup_interval=0.001)
        if self.backend not in BACKENDS:
            raise SettingsError(f"{self.backend!r} is no backend: {', '.join(BACKENDS)}", field="backend")
        if self.backend == "redis" and not self.redis_url:
            raise SettingsError(
                "the backend redis needs redis_url, such as redis://localhost:6379/0", field="redis_url"
            )
        if self.redis_url is not None:
            check_redis_url(self.redis_url)


@dataclass(frozen=True)
class BatchSettings:
    """``chunk_size`` is the number of objects in one bulk call; the rest is for calls of one object each:
    so many at once, so many starts in a second, so many repeats, and the longest first wait in seconds."""

    chunk_size: int = 200
    max_concurrent: int = 10
    rate_limit: Optional[float] = None
    max_retries: int = 3
    retry_delay: float = 1.0

    def __post_init__(self) -> None:
        _check(self, chunk_size=1, max_concurrent=1, rate_limit=0.001, max_retries=0, retry_delay=0)


@dataclass(frozen=True)
class MetricsSettings:
    """Measurements are shown for ``retention_hours``; what is older is freed every ``cleanup_interval`` seconds."""

    retention_hours: float = 24.0
    cleanup_interval: float = 3600.0

    def __post_init__(self) -> None:
        _check(self, retention_hours=0.001, cleanup_interval=0)


@dataclass(frozen=True)
class RetrySettings:
    """``max_retries`` repeats after the first try, ``base_delay`` and ``max_delay`` in seconds.

    ``strategy`` says how waits grow; with ``jitter`` each is drawn between 0 and what that gives.
    """

    max_retries: int = 3
    base_delay: float = 0.5
    max_delay: float = 60.0
    strategy: str = "exponential_backoff"
    jitter: bool = True

    def __post_init__(self) -> None:
        _check(self, max_retries=0, base_delay=0, max_delay=0)
        if self.strategy not in STRATEGIES:
            raise SettingsError(f"{self.strategy!r} is no strategy: {', '.join(STRATEGIES)}", field="strategy")


@dataclass(frozen=True)
class BreakerSettings:
    """Opens after ``failure_threshold`` failed attempts in a row, or when ``failure_rate`` (a part of 1) of at least
    ``minimum_calls`` attempts in the last ``window`` seconds failed; for ``recovery_timeout`` seconds. Each repeat of
    a call is an attempt."""

    failure_threshold: int = 5
    recovery_timeout: float = 60.0
    failure_rate: float = 0.7
    window: float = 60.0
    minimum_calls: int = 20

    def __post_init__(self) -> None:
        _check(self, failure_threshold=1, recovery_timeout=0, failure_rate=0.01, window=0.001, minimum_calls=1)
        if self.failure_rate > 1:
            raise SettingsError("failure_rate is a part of 1: at most 1", field="failure_rate")


@dataclass(frozen=True)
class RecoverySettings:
    """When to repeat, and when to stop asking."""

    circuit_breaker: BreakerSettings = field(default_factory=BreakerSettings)
    retry: RetrySettings = field(default_factory=RetrySettings)


@dataclass(frozen=True)
class SyncLimits:
    """How much one run may change and delete without permission: numbers, or percentages such as ``"30 %"``.

    ``changes`` counts existing objects that are moved, updated or adopted; a percentage counts from ten on.
    ``deletions`` counts objects that are deleted, and is a percentage of the owner's objects of a kind.
    """

    changes: Union[int, str] = "30 %"
    deletions: Union[int, str] = "10 %"

    def __post_init__(self) -> None:
        for name in ("changes", "deletions"):
            try:
                Amount.parse(getattr(self, name))
            except ValueError as error:
                raise SettingsError(f"{name} {error}", field=name) from None


@dataclass(frozen=True)
class SyncSettings:
    """Of synchronisations: how inventory files are read, through the mapping file ``map`` and in ``encoding``, by
    default UTF-8; and limits."""

    map: Optional[str] = None
    encoding: Optional[str] = None
    limits: SyncLimits = field(default_factory=SyncLimits)

    def __post_init__(self) -> None:
        if self.encoding is not None and not is_encoding(self.encoding):
            message = f"encoding {self.encoding!r} is unknown: give one such as utf-8, windows-1252 or utf-16"
            raise SettingsError(message, field="encoding")
        if self.map == "":
            raise SettingsError("map is empty: name a mapping file, or leave it out", field="map")


_KINDS: tuple[tuple[str, tuple[type, ...], str], ...] = (
    ("password", (SecretSource,), "a SecretSource such as SecretSource(env='NAME')"),
    ("site", (str,), "a text"),
    ("username", (str,), "a text"),
    ("verify", (bool,), "true or false (ca_bundle is the path of a CA bundle)"),
    ("ca_bundle", (str, os.PathLike, type(None)), "the path of a file"),
)


@dataclass(frozen=True)
class Settings:
    """Everything a client needs to know. It pickles, so another process can build the same client."""

    server_url: str
    site: str
    username: str
    password: SecretSource
    verify: bool = True
    ca_bundle: Optional[str] = None
    proxy: Optional[str] = field(default=None, repr=False)  # may hold a password
    timeouts: Timeouts = field(default_factory=Timeouts)
    limits: LimitSettings = field(default_factory=LimitSettings)
    streaming: StreamingSettings = field(default_factory=StreamingSettings)
    caching: CachingSettings = field(default_factory=CachingSettings)
    batch_processing: BatchSettings = field(default_factory=BatchSettings)
    metrics: MetricsSettings = field(default_factory=MetricsSettings)
    recovery: RecoverySettings = field(default_factory=RecoverySettings)
    sync: SyncSettings = field(default_factory=SyncSettings)

    def __post_init__(self) -> None:
        for name, kinds, needed in _KINDS:
            if not isinstance(getattr(self, name), kinds):
                raise SettingsError(f"{name} must be {needed}, not {describe_type(getattr(self, name))}", field=name)
        object.__setattr__(self, "server_url", checked_server_url(self.server_url))
        if self.proxy is not None:
            object.__setattr__(self, "proxy", HiddenURL(self.proxy))
            check_proxy(self.proxy)
        if not self.site or not all(char.isalnum() or char == "_" for char in self.site):
            raise SettingsError(f"{self.site!r} is not a site id: letters, digits and '_' are allowed", field="site")
        if self.server_url.rpartition("/")[2] == self.site and urlsplit(self.server_url).path:
            message = f"the server URL ends before the site: leave out '/{self.site}'"
            raise SettingsError(message, field="server_url")
        # Checkmk: "Bearer USER SECRET" is split at blanks, so a user id cannot hold one.
        if not self.username or any(char in " /:\r\n" for char in self.username):
            raise SettingsError(f"{self.username!r} is not a user id", field="username")

    @property
    def base_url(self) -> str:
        """The URL that all calls are below. ``1.0`` works in every version; 2.5 calls it ``v1`` as well."""
        return f"{self.server_url}/{self.site}/check_mk/api/1.0"

    @property
    def is_loopback(self) -> bool:
        """True when the server is this machine."""
        host = urlsplit(self.server_url).hostname or ""
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return host == "localhost" or host.endswith(".localhost")

    def to_dict(self) -> dict[str, Any]:
        """The settings as plain data, with the place of the secret instead of the secret."""
        values: dict[str, Any] = _plain(self)
        return {**values, "proxy": self.proxy and hide_userinfo(self.proxy)}


def _plain(value: Any) -> Any:
    """A record as a dictionary; of a secret only where it is kept."""
    if isinstance(value, SecretSource):
        return value.location
    if not is_dataclass(value):
        return value
    return {entry.name: _plain(getattr(value, entry.name)) for entry in fields(value)}


def prefix_field(path: str, error: SettingsError) -> str:
    """What an error says, with ``path`` before the field when it starts with that."""
    return f"{path}{error}" if error.field and str(error).startswith(error.field) else str(error)


def replace_nested(record: Any, changes: Mapping[str, Any], path: str = "") -> Any:
    """A copy of a settings record with ``changes``, where a mapping changes the record below that name.

    A name that is none is told with the nearest that is one: TypeError for an argument, SettingsError below.
    """
    values = {entry.name: getattr(record, entry.name) for entry in fields(record)}
    for name, change in changes.items():
        if name not in values:
            message = f"unknown setting {path}{name}{suggestion(name, tuple(values))}"
            raise SettingsError(message, field=name) if path else TypeError(message)
        below = hasattr(values[name], "__dataclass_fields__")
        if below and isinstance(change, Mapping):
            values[name] = replace_nested(values[name], change, f"{path}{name}.")
        elif below and not isinstance(change, type(values[name])):
            raise SettingsError(f"{path}{name} must be a mapping or {type(values[name]).__name__}", field=name)
        else:
            values[name] = change
    try:
        return type(record)(**values)
    except SettingsError as error:
        raise SettingsError(prefix_field(path, error), field=error.field) from None
