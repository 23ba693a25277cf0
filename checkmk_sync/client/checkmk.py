"""``Checkmk``: one typed attribute per noun."""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import os
import warnings
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, Callable, Mapping, NoReturn, Optional, Union

from ..catalogue.versions import CheckmkVersion
from ..config.secrets import SecretSource
from ..config.settings import Settings, replace_nested
from ..core.arguments import describe_type, require_type
from ..core.clock import Clock
from ..core.redaction import HiddenURL
from ..core.text import close_matches
from ..errors import CheckmkError
from ..metrics import MetricsCollector
from ..metrics.calls import CallEvent
from ..recovery import BreakerState
from .nouns import Activation, Discovery, Folders, Hosts, HostStatuses, Jobs, Services
from .records import Version
from .resource import Resource, parsing
from .site import Settling, Site

__all__ = ["Checkmk", "Health", "require_client"]


@dataclass(frozen=True)
class Health:
    """Whether the site answers; ``error`` says why not.

    ``latency_s`` is how long that took to know, with repeats; ``pending`` counts the changes that wait for an
    activation, None where that was not asked for or not answered.
    """

    ok: bool
    version: Optional[Version]
    latency_s: float
    breaker: BreakerState
    error: Optional[CheckmkError] = None
    pending: Optional[int] = None


class Checkmk:
    """A client for one Checkmk site, safe to use from many threads.

    >>> with Checkmk("https://mon.example.com", "prod", "automation", password) as cmk:
    ...     cmk.hosts.create("web01", "/linux", {"ipaddress": "192.0.2.10"})
    ...     cmk.activation.activate()

    ``options`` are further settings (see :class:`checkmk_sync.config.settings.Settings`); a mapping changes some
    of a group, such as ``timeouts={"read_s": 20}``. Raises SettingsError for settings that cannot be.
    """

    _original: Optional[Checkmk] = None  # the client whose connections this one uses

    def __init__(
        self,
        server_url: str,
        site: str,
        username: str,
        password: Union[str, SecretSource],
        *,
        clock: Optional[Clock] = None,
        **options: Any,
    ) -> None:
        source = password if isinstance(password, SecretSource) else SecretSource(value=password)
        del password  # tracebacks can show what frames hold
        if isinstance(options.get("proxy"), str):
            options["proxy"] = HiddenURL(options["proxy"])
        settings = Settings(server_url, site, username, source)
        self._open(replace_nested(settings, options) if options else settings, clock)

    def _open(self, settings: Settings, clock: Optional[Clock]) -> None:
        # The first client imports requests and requests-cache, so that programs that may not need one start quickly.
        from ..http.transport import Transport

        self.settings = settings
        self._transport = Transport(settings, clock=clock)
        self._bind(Site(self._transport))

    def _bind(self, site: Site) -> None:
        self.settings, self._site = site.settings, site
        self.hosts = Hosts(self._site)
        self.folders = Folders(self._site)
        self.host_status = HostStatuses(self._site)
        self.services = Services(self._site)
        self.jobs = Jobs(self._site)
        self.discovery = Discovery(self._site, self.jobs)
        self.activation = Activation(self._site)

    @classmethod
    def from_settings(cls, settings: Settings, *, clock: Optional[Clock] = None) -> Checkmk:
        """A client for settings, which pickle: another process builds the same client from them."""
        require_type(settings, Settings, "from_settings needs Settings", "; from_config reads a file")
        client = cls.__new__(cls)
        client._open(settings, clock)
        return client

    @classmethod
    def from_config(cls, path: Union[str, os.PathLike[str]]) -> Checkmk:
        """A client as a YAML file configures it. SettingsError with file and line for a mistake."""
        from ..config.file import load  # the YAML parser is loaded only if there is a file

        return cls.from_settings(load(path))

    @classmethod
    def from_env(cls) -> Checkmk:
        """A client from ``CHECKMK_SERVER_URL``, ``CHECKMK_SITE``, ``CHECKMK_USERNAME`` and ``CHECKMK_PASSWORD``
        (or ``CHECKMK_PASSWORD_FILE``)."""
        from ..config.file import from_env

        return cls.from_settings(from_env())

    if not TYPE_CHECKING:  # type checkers must still report unknown names

        def __getattr__(self, name: str) -> NoReturn:
            """Raise an AttributeError that lists what there is."""
            nouns = sorted(noun for noun, held in vars(self).items() if isinstance(held, Resource))
            if name.startswith("_") or not nouns:  # as while it is being copied
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
            meant = close_matches(name, (known for known in dir(self) if not known.startswith("_")))
            hint = f"; did you mean {' or '.join(map(repr, meant))}? There are" if meant else "; there are"
            error = AttributeError(
                f"Checkmk has no {name!r}{hint}: {', '.join(nouns)} (docs/reading.md, help(Checkmk))"
            )
            # If Python knows the object it adds a suggestion of its own, such as "services" for "downtimes".
            error.name, error.obj = name, None
            raise error

    def _configured(self, settings: Settings) -> Checkmk:
        """Return a client that shares everything with this one except the settings for streams and bulk calls."""
        own = self.settings
        site = copy.copy(self._site)
        site.settings = dataclasses.replace(
            own, streaming=settings.streaming, batch_processing=settings.batch_processing
        )
        client = copy.copy(self)
        client._original = self
        client._bind(site)
        return client

    def version(self) -> Version:
        """What the site says it is; also the cheapest way to see that address and credentials are right."""
        reply = self._site.perform("site", "version")
        with parsing(reply):
            return Version.parse(reply.data)

    def checkmk_version(self) -> CheckmkVersion:
        """The version of Checkmk, which is asked for only if no answer has named it before."""
        return self._site.version()

    @property
    def edition(self) -> Optional[str]:
        """The short name of the site's edition, such as ``cre`` or ``community``; None before its first answer."""
        return self._transport.edition

    def health(self, *, pending: bool = False) -> Health:
        """Whether the site answers now, and with ``pending`` how many changes wait; never raises.

        It is a call like any other: while the breaker is open it says so without asking the site, when the
        time is up it is the probe, and what it sees counts for the breaker as what other calls see.
        """
        started = self._site.clock.monotonic()
        version: Optional[Version] = None
        failure: Optional[CheckmkError] = None
        try:
            version = self.version()
        except CheckmkError as error:
            failure = error
        latency_s = self._site.clock.monotonic() - started
        count = None
        if pending and failure is None:
            with contextlib.suppress(CheckmkError):  # not every user may see them
                count = len(self.activation.pending())
        return Health(failure is None, version, latency_s, self._transport.breaker.state, failure, count)

    @property
    def clock(self) -> Clock:
        """The time this client goes by."""
        return self._site.clock

    @property
    def collector(self) -> MetricsCollector:
        """Where this client measures itself."""
        return self._transport.metrics

    def metrics(self) -> Mapping[str, Any]:
        """What this client measured in the last hours, as plain data.

        That of :meth:`MetricsCollector.get_stats`, with calls timed as ``call.<noun>.<verb>`` and counted as
        ``calls.<noun>.<verb>.<status or error>``, and besides ``cache`` and the state of the ``breaker``.
        """
        breaker = self._transport.breaker.state.value
        return {**self.collector.get_stats(), "cache": self._transport.cache.stats(), "breaker": breaker}

    def add_hook(self, hook: Callable[[CallEvent], object]) -> None:
        """Tell ``hook`` about every call after it, in the thread that made it.

        What it raises is logged only; calls that it makes itself are not told.
        """
        self._transport.call_metrics.add_hook(hook)

    def add_settling_hook(self, hook: Callable[[Settling], object]) -> None:
        """Call ``hook`` each time the answer to a write is lost, before the client reads what became of the write."""
        self._site.settling_hooks.append(hook)

    def remove_settling_hook(self, hook: Callable[[Settling], object]) -> None:
        """Call ``hook`` no longer. ValueError if it was not added."""
        self._site.settling_hooks.remove(hook)

    def remove_hook(self, hook: Callable[[CallEvent], object]) -> None:
        """Tell ``hook`` nothing more. ValueError when it was not added."""
        self._transport.call_metrics.remove_hook(hook)

    def invalidate_cache_pattern(self, pattern: str) -> int:
        """Forget answers whose key ``noun:verb:path:…`` matches, such as ``hosts:*web01*``; how many there were."""
        return self._transport.cache.invalidate_pattern(pattern)

    def cache_generation(self, noun: str) -> str:
        """Changes with every write to the noun (``hosts``, ``folders``, …): what was derived from answers of an
        earlier one is out of date. A new one each time while the storage of the cache cannot be asked."""
        return self._transport.cache.generation_of(noun)

    def clear_cache(self) -> None:
        """Forget all answers that are kept."""
        self._transport.cache.clear()

    def close(self) -> None:
        """Close all connections; a call that waits for its next try ends now."""
        self._transport.close()

    def __del__(self) -> None:
        transport = getattr(self, "_transport", None)  # None if the constructor has failed
        if transport is not None and transport.has_connections and self._original is None:
            message = f"unclosed client {self!r}: use it in a with statement, or call close()"
            warnings.warn(message, ResourceWarning, source=self, stacklevel=2)

    def __enter__(self) -> Checkmk:
        return self

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        settings: Optional[Settings] = self.__dict__.get("settings")  # None while the constructor is at work
        if settings is None:
            return "Checkmk()"
        return f"Checkmk({settings.server_url!r}, {settings.site!r}, {settings.username!r})"


def require_client(given: Checkmk, what: str) -> Checkmk:
    """``given`` as it is. TypeError, in the name of ``what`` needs it, unless it is a client or has what one has."""
    if not all(hasattr(given, name) for name in ("hosts", "folders", "settings")):
        raise TypeError(f"{what} needs a client such as Checkmk.from_env(), not {describe_type(given)}")
    return given
