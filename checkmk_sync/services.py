"""Service classes over a client: ready ones, and a base and mixins for people's own.

The mixins are where their machinery is (streaming, cache, batch, metrics, recovery); all of them work with
:class:`BaseService`, whose ``config`` they read.
"""

from __future__ import annotations

from typing import Any, Iterable, Iterator, Mapping, Optional, Sequence, Union

from .batch import BatchOperationsMixin
from .cache import CachingService, cached
from .client import Checkmk
from .metrics import MetricsMixin, timed
from .names import ServiceState
from .outcomes import Outcomes
from .records import Host, ServiceStatus
from .settings import Settings
from .streaming import StreamBatch, StreamingMixin

__all__ = [
    "BaseService",
    "CachedHostService",
    "HostService",
    "StreamingHostService",
    "StreamingServiceService",
]


class BaseService:
    """Holds a client, and the settings that its mixins go by: those of the client unless given."""

    def __init__(self, client: Checkmk, config: Optional[Settings] = None) -> None:
        self.client = client
        self.config: Settings = config or client.settings


class HostService(MetricsMixin, BatchOperationsMixin, BaseService):
    """Hosts of the configuration, for programs that think in services. Errors are those of ``client.hosts``."""

    @timed("host_operations.list")
    def list_hosts(self, search: Optional[str] = None, folder: Optional[str] = None) -> list[Host]:
        """All hosts at once, those whose name fits a pattern, those directly in a folder, or both.

        Of a large site better read :meth:`StreamingHostService.list_hosts_streamed`.
        """
        return list(self.client.hosts.each(search=search, folder=folder))

    def get_host(self, name: str) -> Host:
        """One host. NotFoundError where there is none."""
        return self.client.hosts.get(name)

    def create_host(self, host_name: str, folder: str = "/", attributes: Optional[Mapping[str, Any]] = None) -> Host:
        """Create a host."""
        return self.client.hosts.create(host_name, folder, attributes)

    def update_host(self, name: str, **changes: Any) -> Host:
        """Change a host: ``attributes=``, ``update_attributes=`` or ``remove_attributes=``."""
        return self.client.hosts.update(name, **changes)

    def delete_host(self, name: str) -> None:
        """Delete a host. NotFoundError where there is none."""
        self.client.hosts.delete(name)

    def bulk_create_hosts(self, hosts_data: Iterable[Mapping[str, Any]]) -> Outcomes:
        """Create many hosts over the bulk endpoint, with an outcome for each."""
        return self.client.hosts.bulk_create(hosts_data)

    def bulk_update_hosts(self, updates: Iterable[Mapping[str, Any]]) -> Outcomes:
        """Change many hosts over the bulk endpoint, with an outcome for each."""
        return self.client.hosts.bulk_update(updates)


class CachedHostService(CachingService, HostService):
    """In place of :class:`HostService`: what it lists and gets is kept for ``caching.default_ttl`` seconds.

    Any write to hosts, through this service or the client or another client of this process, makes it void.
    """

    _generation = ""

    def list_hosts(self, search: Optional[str] = None, folder: Optional[str] = None) -> list[Host]:
        """As :meth:`HostService.list_hosts`, from the cache where it can be."""
        self._forget_what_is_old()
        found: list[Host] = self._listed(search, folder)
        return found

    def get_host(self, name: str) -> Host:
        """As :meth:`HostService.get_host`, from the cache where it can be."""
        self._forget_what_is_old()
        found: Host = self._got(name)
        return found

    def _forget_what_is_old(self) -> None:
        generation = self.client.cache_generation("hosts")
        if generation != self._generation:
            self.cache.clear()  # before it is said, for another thread goes by that
            self._generation = generation

    @cached(key_prefix="hosts")
    def _listed(self, search: Optional[str], folder: Optional[str]) -> list[Host]:
        return super().list_hosts(search, folder)

    @cached(key_prefix="hosts")
    def _got(self, name: str) -> Host:
        return self.client.hosts.get(name, fresh=True)  # what the client keeps has a time of its own


class _StreamingService(StreamingMixin, BaseService):
    def __init__(self, client: Checkmk, config: Optional[Settings] = None) -> None:
        super().__init__(client, config)
        self.default_batch_size = self.config.streaming.default_batch_size


class StreamingHostService(_StreamingService):
    """Hosts of the configuration in pages of ``default_batch_size``."""

    def list_hosts_streamed(
        self, batch_size: Optional[int] = None, search: Optional[str] = None, folder: Optional[str] = None
    ) -> Iterator[StreamBatch[Host]]:
        """Pages of all hosts, of those whose name fits a pattern, of those directly in a folder, or both."""
        size = self.default_batch_size if batch_size is None else batch_size
        return self.client.hosts.pages(size, search=search, folder=folder)


class StreamingServiceService(_StreamingService):
    """Services as the monitoring sees them, in pages of ``default_batch_size``."""

    def list_all_services_streamed(
        self,
        batch_size: Optional[int] = None,
        state_filter: Union[ServiceState, Sequence[ServiceState], None] = None,
        host_filter: Optional[str] = None,
    ) -> Iterator[StreamBatch[ServiceStatus]]:
        """Pages of the services in some states, and of a host or of those that fit a pattern."""
        size = self.default_batch_size if batch_size is None else batch_size
        return self.client.services.pages(size, state=state_filter, host=host_filter)
