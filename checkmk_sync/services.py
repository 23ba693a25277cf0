"""Service classes on top of a client, and a base class for your own services.

Your own services can use the mixins in streaming, cache, batch, metrics and recovery. The mixins read the ``config`` of
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
from .core.arguments import describe_type
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
    """The calls of ``client.hosts`` as methods of a service. They raise the errors of ``client.hosts``."""

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
        """Return a list of all hosts, or of the hosts that match the filters of ``client.hosts.each``.

        For a large site, :meth:`StreamingHostService.list_hosts_streamed` needs less memory.
        """
        return list(
            self._calls.hosts.each(
                search=search, folder=folder, site=site, names=names, effective_attributes=effective_attributes
            )
        )

    def get_host(self, host_name: str, *, effective_attributes: bool = False) -> Host:
        """Return one host. Raises NotFoundError if it does not exist."""
        return self._calls.hosts.get(host_name, effective_attributes=effective_attributes)

    def create_host(self, host_name: str, folder: str = "/", attributes: Attributes = None, **more: Any) -> Host:
        """Create a host and return it. Give attributes as ``attributes``, or as keywords such as ``alias="Web 1"``.

        Raises TypeError if both are given, and ValueError for a keyword that looks like a misspelled attribute.
        """
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
        """Update a host and return it. Attributes given as keywords, such as ``alias="Web 1"``, are set; others stay.

        Instead of keywords, the arguments of :meth:`Hosts.update <checkmk_sync.client.nouns.Hosts.update>` can be
        given: a function, ``attributes``, ``update_attributes`` or ``remove_attributes``. Raises TypeError if both are
        given, and ValueError for a keyword that looks like a misspelled attribute.
        """
        given: dict[str, Any] = {
            "change": change,
            "attributes": attributes,
            "update_attributes": update_attributes,
            "remove_attributes": remove_attributes,
        }
        if changes:
            for name, value in given.items():
                if value is not None:
                    raise _both(changes, name)
            given["update_attributes"] = _check_keywords(changes)
        return self._calls.hosts.update(host_name, **given, etag=etag)

    def delete_host(self, host_name: str, *, missing_ok: bool = False) -> None:
        """Delete a host. Raises NotFoundError if it does not exist, unless ``missing_ok`` is True."""
        self._calls.hosts.delete(host_name, missing_ok=missing_ok)

    def get_host_status(self, host_name: str, columns: Sequence[str] = ()) -> HostStatus:
        """Return the monitoring state of a host. Raises NotFoundError if the host is not monitored."""
        return self._calls.host_status.get(host_name, columns)


def _both(keywords: Mapping[str, Any], other: str) -> TypeError:
    names = ", ".join(f"{name}=" for name in keywords)
    return TypeError(f"give attributes as keywords ({names}) or {other}=, not both")


_NO_ATTRIBUTES = ("host_name", "folder", "attributes", "update_attributes", "remove_attributes")
_WORDS = (*_NO_ATTRIBUTES, "labels", *sorted(BUILT_IN))


def _check_keywords(keywords: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the keywords as attributes. Raises ValueError for a keyword that looks like a misspelled attribute."""
    for name in keywords:
        if name in _NO_ATTRIBUTES:
            hint = "; to move a host, use client.hosts.move" if name == "folder" else ""
            raise ValueError(f"{name}= is not an attribute, so it cannot be given here{hint}")
        meant = [] if name in _WORDS else close_matches(name, _WORDS)
        if meant:
            raise ValueError(
                f"unknown attribute {name}=; use {' or '.join(f'{word}=' for word in meant)}, "
                f"or give a custom attribute in a mapping: {{{name!r}: VALUE}}"
            )
    return keywords


class ApiClient(_HostCalls):
    """The calls of a client as methods such as ``get_host``, ``create_host`` and ``get_host_status``."""

    def __init__(self, client: Checkmk) -> None:
        self.client = self._calls = require_client(client, "a service")


class BaseService:
    """The base class of services: a client, and the settings for the service's mixins.

    ``config`` is Settings, one part of them such as ``CachingSettings``, or a mapping in the format of the
    configuration file. The mapping may contain only some parts, such as ``{"caching": {"default_ttl": 5}}``. With None,
    the service uses the client's settings. Raises SettingsError for anything else.

    A service with MetricsMixin records in the client's collector. If its metrics settings differ from the client's, it
    has its own ``metrics_collector``.
    """

    metrics_collector: Optional[MetricsCollector]  # used only by subclasses with MetricsMixin

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
        """Create a host from a mapping of :meth:`create_host`'s arguments, for use in a batch."""
        return self.api_client.create_host(**host_data)

    def _update_single_host(self, update: Mapping[str, Any]) -> Host:
        """Update a host from a mapping of :meth:`update_host`'s arguments, for use in a batch."""
        return self.api_client.update_host(**update)


def _config(settings: Settings, config: object) -> Settings:
    if config is None or isinstance(config, Settings):
        return config or settings
    if isinstance(config, Mapping):
        from .config.file import override_settings  # imports a YAML parser, which only mappings need

        return override_settings(settings, config)
    for entry in dataclasses.fields(Settings):  # a part of the settings, such as CachingSettings
        if dataclasses.is_dataclass(config) and type(config) is type(getattr(settings, entry.name)):
            part: Any = {entry.name: config}
            return dataclasses.replace(settings, **part)
    said = (
        "config must be Settings or a mapping in the format of the configuration file, "
        "such as {'caching': {'default_ttl': 5}}"
    )
    raise SettingsError(f"{said}, not {describe_type(config)}", field="config")


class HostService(MetricsMixin, BatchOperationsMixin, _HostCalls, BaseService):
    """A service for the hosts of the configuration. Its methods raise the errors of ``client.hosts``."""

    list_hosts = timed("host_operations.list")(_HostCalls.list_hosts)

    def bulk_create_hosts(self, hosts_data: Iterable[Mapping[str, Any]]) -> Outcomes:
        """Create many hosts with the bulk endpoint and return an outcome for each."""
        return self._calls.hosts.bulk_create(hosts_data)

    def bulk_update_hosts(self, updates: Iterable[Mapping[str, Any]]) -> Outcomes:
        """Change many hosts with the bulk endpoint and return an outcome for each."""
        return self._calls.hosts.bulk_update(updates)


class CachedHostService(CachingService, HostService):
    """A :class:`HostService` that caches lists of hosts and single hosts for ``caching.default_ttl`` seconds.

    Any write to hosts by a client of this process invalidates the cached results.
    """

    _generation = ""

    @property
    def cache(self) -> LRUCache:
        """The cache of this service, which is empty after each write to hosts."""
        cache = super().cache
        generation = self.client.cache_generation("hosts")
        if generation != self._generation:
            # Clear first: a thread that sees the new generation must not find old results in the cache.
            cache.clear()
            self._generation = generation
        return cache

    list_hosts = cached(key_prefix="hosts")(HostService.list_hosts)

    @cached(key_prefix="hosts")
    def get_host(self, host_name: str, *, effective_attributes: bool = False) -> Host:
        """Return one host, from the cache if possible. Raises NotFoundError if it does not exist."""
        # Bypass the client's cache, because its entries may be older than caching.default_ttl allows.
        return self.client.hosts.get(host_name, effective_attributes=effective_attributes, fresh=True)


class StreamingHostService(StreamingMixin, BaseService):
    """A service that returns the hosts of the configuration in pages of ``default_batch_size``."""

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
        """Return pages of all hosts, or of the hosts that match the filters of ``client.hosts.pages``."""
        size = self.default_batch_size if batch_size is None else batch_size
        return self._calls.hosts.pages(
            size, search=search, folder=folder, site=site, names=names, effective_attributes=effective_attributes
        )


class StreamingServiceService(StreamingMixin, BaseService):
    """A service that returns monitored services with their states, in pages of ``default_batch_size``."""

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
        """Return pages of all services, or of the services that match the filters.

        ``state_filter`` and ``host_filter`` are the arguments ``state`` and ``host`` of ``client.services.pages``. The
        other arguments have the same names there.
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
