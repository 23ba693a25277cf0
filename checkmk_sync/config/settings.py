"""All settings as frozen, picklable records. Field names are the keys of the configuration file."""

from __future__ import annotations

import ipaddress
import os
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any, Mapping, Optional, Union
from urllib.parse import urlsplit

from ..core.arguments import describe_type
from ..core.redaction import HiddenURL, hide_userinfo
from ..core.text import is_encoding
from ..errors import SettingsError
from .amounts import Amount
from .records import check_fields
from .secrets import SecretSource
from .urls import check_proxy, check_redis_url, checked_server_url

BACKENDS = ("memory", "sqlite", "redis")
STRATEGIES = ("fixed", "linear", "exponential_backoff")


@dataclass(frozen=True)
class Timeouts:
    """The time limits of calls, in seconds."""

    connect_s: float = 10.0
    read_s: float = 60.0
    # Bulk calls, discovery and deleting. Checkmk: the web server gives up after 120 s, but the site continues to work.
    bulk_s: float = 120.0
    total_s: float = 300.0  # one call with all its retries and waits
    settle_s: float = 30.0  # the search for the effect of a write whose response was lost

    def __post_init__(self) -> None:
        check_fields(self, connect_s=0.001, read_s=0.001, bulk_s=0.001, total_s=0.001, settle_s=0)


@dataclass(frozen=True)
class LimitSettings:
    """The limits on the load of a site and on the size of a response."""

    reads_in_flight: int = 4  # concurrent reads and commands; commands do not take the configuration lock
    requests_per_second: Optional[float] = None  # None for no limit
    max_reply_mb: float = 32.0  # decompressed; for a list, of each item, because lists are streamed

    def __post_init__(self) -> None:
        check_fields(self, reads_in_flight=1, requests_per_second=0.001, max_reply_mb=0.001)
        # Checkmk: a site has 64 workers, and its GUI needs them as well.
        if self.reads_in_flight > 8:
            raise SettingsError("reads_in_flight must be at most 8", field="reads_in_flight")


@dataclass(frozen=True)
class StreamingSettings:
    """The settings of pages and streams. A page has ``default_batch_size`` items.

    The services of many hosts are read in parts, ``max_concurrent_batches`` at a time. Parts that wait for the consumer
    use at most ``memory_limit_mb``, and pages are shortened to keep this limit.
    """

    default_batch_size: int = 100
    max_concurrent_batches: int = 4
    memory_limit_mb: float = 100.0

    def __post_init__(self) -> None:
        check_fields(self, default_batch_size=1, max_concurrent_batches=1, memory_limit_mb=1)


@dataclass(frozen=True)
class CachingSettings:
    """The settings of the response cache. Durations are in seconds.

    ``default_ttl`` applies to the configuration and ``status_ttl`` to the monitoring state; 0 disables caching. If a
    request fails, a cached response is used even if it expired up to ``stale_if_error`` seconds ago.
    """

    enabled: bool = True
    backend: str = "memory"
    max_size: int = 1000  # responses
    max_mb: float = 64.0  # total size of the responses
    default_ttl: float = 60.0
    status_ttl: float = 5.0
    stale_if_error: float = 0.0
    cleanup_interval: float = 300.0
    path: str = "~/.cache/checkmk_sync/answers.sqlite"  # used by the backend sqlite
    redis_url: Optional[str] = None
    redis_password: Optional[SecretSource] = None

    def __post_init__(self) -> None:
        check_fields(
            self, max_size=1, max_mb=0.001, default_ttl=0, status_ttl=0, stale_if_error=0, cleanup_interval=0.001
        )
        if self.backend not in BACKENDS:
            raise SettingsError(f"unknown backend {self.backend!r}; use one of: {', '.join(BACKENDS)}", field="backend")
        if self.backend == "redis" and not self.redis_url:
            raise SettingsError(
                "the backend redis needs redis_url, such as redis://localhost:6379/0", field="redis_url"
            )
        if self.redis_url is not None:
            check_redis_url(self.redis_url)


@dataclass(frozen=True)
class BatchSettings:
    """The settings of bulk calls, with ``chunk_size`` objects each, and of batches, with one call per object.

    A batch makes up to ``max_concurrent`` calls at a time, and starts up to ``rate_limit`` calls per second (None for
    no limit). A call is retried up to ``max_retries`` times, the first time after at most ``retry_delay`` seconds.
    """

    chunk_size: int = 200
    max_concurrent: int = 10
    rate_limit: Optional[float] = None
    max_retries: int = 3
    retry_delay: float = 1.0

    def __post_init__(self) -> None:
        check_fields(self, chunk_size=1, max_concurrent=1, rate_limit=0.001, max_retries=0, retry_delay=0)


@dataclass(frozen=True)
class MetricsSettings:
    """The settings of metrics. Reports cover the last ``retention_hours``."""

    retention_hours: float = 24.0
    cleanup_interval: float = 3600.0  # seconds after which the memory of older values is freed

    def __post_init__(self) -> None:
        check_fields(self, retention_hours=0.001, cleanup_interval=0)


@dataclass(frozen=True)
class RetrySettings:
    """The settings of retries. Delays are in seconds, and ``max_retries`` does not count the first attempt.

    ``strategy`` defines how delays grow. With ``jitter``, a delay is a random time between 0 and the computed delay.
    """

    max_retries: int = 3
    base_delay: float = 0.5
    max_delay: float = 60.0
    strategy: str = "exponential_backoff"
    jitter: bool = True

    def __post_init__(self) -> None:
        check_fields(self, max_retries=0, base_delay=0, max_delay=0)
        if self.strategy not in STRATEGIES:
            raise SettingsError(
                f"unknown strategy {self.strategy!r}; use one of: {', '.join(STRATEGIES)}", field="strategy"
            )


@dataclass(frozen=True)
class BreakerSettings:
    """The settings of the circuit breaker. Each retry of a call counts as an attempt.

    The breaker opens after ``failure_threshold`` failed attempts in a row. It also opens if at least ``minimum_calls``
    attempts were made in the last ``window`` seconds and at least the fraction ``failure_rate`` of them failed. It
    stays open for ``recovery_timeout`` seconds.
    """

    failure_threshold: int = 5
    recovery_timeout: float = 60.0
    failure_rate: float = 0.7
    window: float = 60.0
    minimum_calls: int = 20

    def __post_init__(self) -> None:
        check_fields(self, failure_threshold=1, recovery_timeout=0, failure_rate=0.01, window=0.001, minimum_calls=1)
        if self.failure_rate > 1:
            raise SettingsError("failure_rate must be at most 1", field="failure_rate")


@dataclass(frozen=True)
class RecoverySettings:
    """The settings of retries and of the circuit breaker."""

    circuit_breaker: BreakerSettings = field(default_factory=BreakerSettings)
    retry: RetrySettings = field(default_factory=RetrySettings)


@dataclass(frozen=True)
class SyncLimits:
    """The numbers or percentages of objects that one run may change or delete without confirmation.

    ``changes`` limits moves, updates and adoptions. A percentage is of all existing objects, and does not apply to
    fewer than ten. ``deletions`` limits deletions. A percentage is of the owner's objects of one kind, such as hosts.
    """

    changes: Union[int, str] = "30%"
    deletions: Union[int, str] = "10%"

    def __post_init__(self) -> None:
        for name in ("changes", "deletions"):
            try:
                Amount.parse(getattr(self, name))
            except ValueError as error:
                raise SettingsError(f"{name} {error}", field=name) from None


@dataclass(frozen=True)
class SyncSettings:
    """The settings of syncs. ``map`` is the path of the mapping file for inventories, ``encoding`` their encoding."""

    map: Optional[str] = None
    encoding: Optional[str] = None  # None for UTF-8
    limits: SyncLimits = field(default_factory=SyncLimits)

    def __post_init__(self) -> None:
        check_fields(self)
        if self.encoding is not None and not is_encoding(self.encoding):
            message = f"encoding {self.encoding!r} is unknown; use one such as utf-8, windows-1252 or utf-16"
            raise SettingsError(message, field="encoding")
        if self.map == "":
            raise SettingsError("map must not be empty; name a mapping file or remove this key", field="map")


_KINDS: tuple[tuple[str, tuple[type, ...], str], ...] = (
    ("password", (SecretSource,), "a SecretSource such as SecretSource(env='NAME')"),
    ("site", (str,), "a string"),
    ("username", (str,), "a string"),
    ("verify", (bool,), "true or false (ca_bundle is the path of a CA bundle)"),
    ("ca_bundle", (str, os.PathLike, type(None)), "the path of a file"),
)


@dataclass(frozen=True)
class Settings:
    """All settings of a client. They can be pickled, so that another process can create the same client."""

    server_url: str
    site: str
    username: str
    password: SecretSource
    verify: bool = True
    ca_bundle: Optional[str] = None
    proxy: Optional[str] = field(default=None, repr=False)  # may contain a password
    timeouts: Timeouts = field(default_factory=Timeouts)
    limits: LimitSettings = field(default_factory=LimitSettings)
    streaming: StreamingSettings = field(default_factory=StreamingSettings)
    caching: CachingSettings = field(default_factory=CachingSettings)
    batch_processing: BatchSettings = field(default_factory=BatchSettings)
    metrics: MetricsSettings = field(default_factory=MetricsSettings)
    recovery: RecoverySettings = field(default_factory=RecoverySettings)
    sync: SyncSettings = field(default_factory=SyncSettings)
    secrets: Mapping[str, SecretSource] = field(default_factory=dict, hash=False)  # by the NAME in secret:NAME

    def __post_init__(self) -> None:
        for name, kinds, needed in _KINDS:
            if not isinstance(getattr(self, name), kinds):
                raise SettingsError(f"{name} must be {needed}, not {describe_type(getattr(self, name))}", field=name)
        object.__setattr__(self, "server_url", checked_server_url(self.server_url))
        if self.proxy is not None:
            object.__setattr__(self, "proxy", HiddenURL(self.proxy))
            check_proxy(self.proxy)
        if not self.site or not all(char.isalnum() or char == "_" for char in self.site):
            raise SettingsError(f"{self.site!r} is not a site ID; use only letters, digits and '_'", field="site")
        if self.server_url.rpartition("/")[2] == self.site and urlsplit(self.server_url).path:
            message = f"the server URL must end before the site; remove '/{self.site}'"
            raise SettingsError(message, field="server_url")
        # Checkmk: "Bearer USER SECRET" is split at blanks, so a user ID cannot contain one.
        if not self.username or any(char in " /:\r\n" for char in self.username):
            raise SettingsError(f"{self.username!r} is not a user ID; leave out spaces, '/' and ':'", field="username")

    @property
    def base_url(self) -> str:
        """The URL that the paths of all calls are relative to."""
        # Checkmk: 1.0 works in every version; 2.5 also calls it v1.
        return f"{self.server_url}/{self.site}/check_mk/api/1.0"

    @property
    def is_loopback(self) -> bool:
        """Return True if the server URL has a loopback address, such as ``localhost`` or ``127.0.0.1``."""
        host = urlsplit(self.server_url).hostname or ""
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return host == "localhost" or host.endswith(".localhost")

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as plain data. Secrets are replaced with their locations, or hidden."""
        values: dict[str, Any] = _plain(self)
        return {**values, "proxy": self.proxy and hide_userinfo(self.proxy)}


def _plain(value: Any) -> Any:
    """Return a record as a dictionary, and a secret as its location."""
    if isinstance(value, SecretSource):
        return value.location
    if is_dataclass(value):
        value = {entry.name: getattr(value, entry.name) for entry in fields(value)}
    return {name: _plain(entry) for name, entry in value.items()} if isinstance(value, Mapping) else value
