"""Service classes over a client: ready ones, and a base class for your own.

The mixins for your own are in streaming, cache, batch, metrics and recovery. They read the ``config`` of
:class:`BaseService`.
"""

from __future__ import annotations

import dataclasses
from typing import Any, Iterable, Iterator, Mapping, Optional, Sequence, Union

from .batch import BatchOperationsMixin
from .cache import CachingService, LRUCache, cached
from .catalogue.attributes import BUILT_IN
from .catalogue.states import ServiceState
from .client.checkmk import Checkmk, require_client
from .client.outcomes import Outcomes
from .client.query import Filter
from .client.records import Host, HostStatus, ServiceStatus
from .client.updates import ChangeFunction
from .config.settings import Settings
from .core.text import close_matches
from .errors import SettingsError
from .metrics import MetricsCollector, MetricsMixin, timed
from .streaming import StreamBatch, StreamingMixin

__all__ = [
    "ApiClient",
    "BaseService",
    "CachedHostService",
    "HostService",
    "StreamingHostService",
    "StreamingServiceService",
]

Attributes = Optional[Mapping[str, Any]]
Config = Union[Settings, Mapping[str, Any], None]
States = Union[ServiceState, str, int, Iterable[Union[ServiceState, str, int]], None]


class _HostCalls:
    """Calls of ``client.hosts``, which also raises their errors, as methods with one name each."""

    _calls: Checkmk

    def list_hosts(
        self,
        search: Optional[str] = None,
        folder: Optional[str] = None,
        *,
        site: Optional[str] = None,
        names: Optional[Sequence[str]] = None,
        effective_attributes: bool = False,
    ) -> list[Host]:
        """Return all hosts at once, or those that ``client.hosts.each`` finds with these filters.

        For a large site :meth:`StreamingHostService.list_hosts_streamed` takes less memory.
        """
        return list(
            self._calls.hosts.each(
                search=search, folder=folder, site=site, names=names, effective_attributes=effective_attributes
            )
        )

    def get_host(self, host_name: str, *, effective_attributes: bool = False) -> Host:
        """Return one host. NotFoundError where there is none."""
        return self._calls.hosts.get(host_name, effective_attributes=effective_attributes)

    def create_host(self, host_name: str, folder: str = "/", attributes: Attributes = None, **more: Any) -> Host:
        """Create a host with ``attributes``, or with keywords as its attributes: ``alias="Web 1"``."""
        if attributes is not None and more:
            raise _both(more, "attributes")
        return self._calls.hosts.create(
            host_name, folder, attributes if attributes is not None else _check_keywords(more)
        )

    def update_host(
        self,
        host_name: str,
        change: Optional[ChangeFunction] = None,
        *,
        attributes: Attributes = None,
        update_attributes: Attributes = None,
        remove_attributes: Optional[Sequence[str]] = None,
        etag: Optional[str] = None,
        **changes: Any,
    ) -> Host:
        """Set the attributes given as keywords, such as ``alias="Web 1"``; all others stay.

        Or change the host as :meth:`Hosts.update <checkmk_sync.client.nouns.Hosts.update>` does, with a function,
        ``attributes``, ``update_attributes`` or ``remove_attributes``. TypeError for both at once, ValueError for a
        keyword that is no attribute of Checkmk but nearly is one.
        """
        kinds: dict[str, Any] = {
            "attributes": attributes,
            "update_attributes": update_attributes,
            "remove_attributes": remove_attributes,
        }
        if changes:
            for name, value in {"change": change, **kinds}.items():
                if value is not None:
                    raise _both(changes, name)
            kinds["update_attributes"] = _check_keywords(changes)
        return self._calls.hosts.update(host_name, change, **kinds, etag=etag)

    def delete_host(self, host_name: str, *, missing_ok: bool = False) -> None:
        """Delete a host. NotFoundError where there is none, unless ``missing_ok``."""
        self._calls.hosts.delete(host_name, missing_ok=missing_ok)

    def get_host_status(self, host_name: str, columns: Sequence[str] = ()) -> HostStatus:
        """Return the monitoring state of a host. NotFoundError if the core does not know it."""
        return self._calls.host_status.get(host_name, columns)


def _both(keywords: Mapping[str, Any], other: str) -> TypeError:
    names = ", ".join(f"{name}=" for name in keywords)
    return TypeError(f"give attributes as keywords ({names}) or {other}=, not both")


_NO_ATTRIBUTES = ("host_name", "folder", "attributes", "update_attributes", "remove_attributes")
_WORDS = (*_NO_ATTRIBUTES, "labels", *sorted(BUILT_IN))


def _check_keywords(keywords: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return attributes that were given as keywords. ValueError for one that probably misspells another."""
    for name in keywords:
        if name in _NO_ATTRIBUTES:
            hint = "; client.hosts.move moves a host" if name == "folder" else ""
            raise ValueError(f"{name}= is no attribute, and cannot be given here{hint}")
        meant = [] if name in _WORDS else close_matches(name, _WORDS)
        if meant:
            raise ValueError(
                f"{name}= is no attribute of Checkmk; did you mean {' or '.join(f'{word}=' for word in meant)}? "
                f"An attribute of your own with this name goes into a mapping: {{{name!r}: …}}"
            )
    return keywords


class ApiClient(_HostCalls):
    """The calls of a client under one name each: ``get_host``, ``create_host``, ``get_host_status`` and so on."""

    def __init__(self, client: Checkmk) -> None:
        self.client = self._calls = require_client(client, "a service")


class BaseService:
    """Holds a client, and the settings that its mixins go by: those of the client unless given.

    ``config`` is None, Settings, or a mapping as in the configuration file: the whole of it, or parts such as
    ``{"caching": {"default_ttl": 5}}``. SettingsError for anything else.
    """

    metrics_collector: Optional[MetricsCollector]  # of a MetricsMixin

    def __init__(self, client: Checkmk, config: Config = None) -> None:
        self.client = require_client(client, "a service")
        self.config = _config(client.settings, config)
        self._calls = client if config is None else client._configured(self.config)
        self.api_client = ApiClient(self._calls)
        kept = self.config.metrics
        if kept != client.settings.metrics and isinstance(self, MetricsMixin):
            self.metrics_collector = MetricsCollector(
                kept.retention_hours, cleanup_interval=kept.cleanup_interval, clock=client.clock
            )

    def _create_single_host(self, host_data: Mapping[str, Any]) -> Host:
        """Create one host of a batch."""
        return self.api_client.create_host(**host_data)

    def _update_single_host(self, update: Mapping[str, Any]) -> Host:
        """Make one update of a batch."""
        return self.api_client.update_host(**update)


def _config(settings: Settings, config: object) -> Settings:
    if config is None or isinstance(config, Settings):
        return config or settings
    if isinstance(config, Mapping):
        from .config.file import override_settings  # only who gives a mapping pays for the YAML parser

        return override_settings(settings, config)
    for entry in dataclasses.fields(Settings):  # a part of the settings, such as CachingSettings
        if dataclasses.is_dataclass(config) and type(config) is type(getattr(settings, entry.name)):
            part: Any = {entry.name: config}
            return dataclasses.replace(settings, **part)
    said = "config is Settings, or a mapping as in the configuration file such as {'caching': {'default_ttl': 5}}"
    raise SettingsError(f"{said}, not {type(config).__name__}", field="config")


class HostService(MetricsMixin, BatchOperationsMixin, _HostCalls, BaseService):
    """Hosts of the configuration, for programs that think in services. Errors are those of ``client.hosts``."""

    list_hosts = timed("host_operations.list")(_HostCalls.list_hosts)

    def bulk_create_hosts(self, hosts_data: Iterable[Mapping[str, Any]]) -> Outcomes:
        """Create many hosts over the bulk endpoint, with an outcome for each."""
        return self._calls.hosts.bulk_create(hosts_data)

    def bulk_update_hosts(self, updates: Iterable[Mapping[str, Any]]) -> Outcomes:
        """Change many hosts over the bulk endpoint, with an outcome for each."""
        return self._calls.hosts.bulk_update(updates)


class CachedHostService(CachingService, HostService):
    """In place of :class:`HostService`: the hosts that it lists and gets are kept for ``caching.default_ttl`` seconds.

    Any write to hosts, through this service or the client or another client of this process, invalidates them.
    """

    _generation = ""

    @property
    def cache(self) -> LRUCache:
        """The cached results, without those from before the last write to hosts."""
        cache = super().cache
        generation = self.client.cache_generation("hosts")
        if generation != self._generation:
            cache.clear()  # before the generation is noted, which other threads rely on
            self._generation = generation
        return cache

    list_hosts = cached(key_prefix="hosts")(HostService.list_hosts)

    @cached(key_prefix="hosts")
    def get_host(self, host_name: str, *, effective_attributes: bool = False) -> Host:
        """As :meth:`HostService.get_host`, from the cache if possible."""
        # The client's own cache has a lifetime of its own.
        return self.client.hosts.get(host_name, effective_attributes=effective_attributes, fresh=True)


class StreamingHostService(StreamingMixin, BaseService):
    """Hosts of the configuration in pages of ``default_batch_size``."""

    def list_hosts_streamed(
        self,
        batch_size: Optional[int] = None,
        search: Optional[str] = None,
        folder: Optional[str] = None,
        *,
        site: Optional[str] = None,
        names: Optional[Sequence[str]] = None,
        effective_attributes: bool = False,
    ) -> Iterator[StreamBatch[Host]]:
        """Return pages of all hosts, or of those that ``client.hosts.pages`` finds with these filters."""
        size = self.default_batch_size if batch_size is None else batch_size
        return self._calls.hosts.pages(
            size, search=search, folder=folder, site=site, names=names, effective_attributes=effective_attributes
        )


class StreamingServiceService(StreamingMixin, BaseService):
    """Services as the monitoring sees them, in pages of ``default_batch_size``."""

    def list_all_services_streamed(
        self,
        batch_size: Optional[int] = None,
        state_filter: States = None,
        host_filter: Optional[str] = None,
        columns: Sequence[str] = (),
        query: Optional[Filter] = None,
        *,
        search: Optional[str] = None,
        sites: Sequence[str] = (),
        fresh: bool = False,
    ) -> Iterator[StreamBatch[ServiceStatus]]:
        """Return pages of the services in some states, and of a host or of those that fit a pattern.

        The other filters, and the ``columns`` of each row, are those of ``client.services.pages``.
        """
        size = self.default_batch_size if batch_size is None else batch_size
        return self._calls.services.pages(
            size,
            state=state_filter,
            host=host_filter,
            columns=columns,
            query=query,
            search=search,
            sites=sites,
            fresh=fresh,
        )
