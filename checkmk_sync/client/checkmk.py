"""The client of a Checkmk site, with one typed attribute per noun (``hosts``, ``folders``, ``services``, …)."""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import os
import warnings
from typing import TYPE_CHECKING, Any, Callable, Mapping, NoReturn, Optional, Union

from ..catalogue import nouns as rows
from ..catalogue.versions import CheckmkVersion
from ..config.records import replace_nested
from ..config.secrets import SecretSource
from ..config.settings import Settings
from ..core.arguments import describe_type, require_type
from ..core.clock import Clock
from ..core.redaction import HiddenURL
from ..core.text import close_matches
from ..errors import CheckmkError
from ..metrics import MetricsCollector
from ..metrics.calls import CallEvent
from . import nouns
from .assigned_keys import AssignedKeys
from .collection import Collection
from .health import Health
from .problems import Problems, SiteStatus, read_status
from .raw import RawCalls
from .records import Version
from .resource import Resource, parsing
from .site import Settling, Site


class Checkmk(RawCalls):
    """A client for one Checkmk site, which several threads can share.

    >>> with Checkmk("https://mon.example.com", "prod", "automation", password) as cmk:
    ...     cmk.hosts.create("web01", "/linux", {"ipaddress": "192.0.2.10"})
    ...     cmk.activation.activate()

    * ``server_url`` is the URL of the server without the site, and ``site`` is the ID of the site.
    * ``username`` and ``password`` are the credentials of an automation user. The password is a string or a
      :class:`.SecretSource`.
    * ``clock`` replaces the clock of the machine, for tests (see :class:`.Clock`).
    * ``options`` are further fields of :class:`.Settings`, such as ``verify=False``. A mapping changes single settings
      of a group, such as ``timeouts={"read_s": 20}``.

    Raises TypeError if a setting is unknown, and SettingsError if it is not valid. The constructor sends no request;
    call :meth:`version` or :meth:`health` to check the address and the credentials.

    These attributes contain the methods for the objects of the site:

    * ``hosts`` and ``folders``: the configuration (:class:`.Hosts`, :class:`.Folders`)
    * ``host_status`` and ``services``: the monitoring state (:class:`.HostStatuses`, :class:`.Services`)
    * ``discovery``: scanning hosts for services (:class:`.Discovery`)
    * ``activation``: pending changes and their activation (:class:`.Activation`)
    * ``jobs``: background jobs (:class:`.Jobs`)
    * ``downtimes``, ``acknowledgements`` and ``comments``: commands to the monitoring core (:class:`.Downtimes`,
      :class:`.Acknowledgements`, :class:`.Comments`)
    * ``problems()``: hosts and services with a problem (:class:`.Problems`)
    * ``host_attributes``: the tag groups and custom attributes of the site (:class:`.HostAttributes`)
    * ``rules`` and ``rulesets``: rules for hosts and services (:class:`.Rules`, :class:`.Rulesets`)
    * ``notification_rules``: rules for notifications (:class:`.AssignedKeys`)
    * ``tag_groups``, ``roles`` and ``users`` (:class:`.TagGroups`, :class:`.Roles`, :class:`.Users`)
    * ``aux_tags``, ``contact_groups``, ``host_groups``, ``passwords``, ``service_groups`` and ``time_periods``: other
      objects of the configuration (:class:`.Collection`)

    The attribute ``settings`` contains all :class:`.Settings` of the client.
    """

    # The plain nouns. Their attributes are created from the rows of the catalogue.
    aux_tags: Collection[rows.AuxTag]
    contact_groups: Collection[rows.ContactGroup]
    host_groups: Collection[rows.HostGroup]
    notification_rules: AssignedKeys[rows.NotificationRule]
    passwords: Collection[rows.Password]
    roles: nouns.Roles
    rules: nouns.Rules
    rulesets: nouns.Rulesets
    service_groups: Collection[rows.ServiceGroup]
    tag_groups: nouns.TagGroups
    time_periods: Collection[rows.TimePeriod]
    users: nouns.Users

    _original: Optional[Checkmk] = None  # set for a client that shares the connections of another one

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
        del password  # a traceback may show local variables
        if isinstance(options.get("proxy"), str):
            options["proxy"] = HiddenURL(options["proxy"])
        settings = Settings(server_url, site, username, source)
        self._open(replace_nested(settings, options) if options else settings, clock)

    def _open(self, settings: Settings, clock: Optional[Clock]) -> None:
        from ..http.transport import Transport  # imports requests, which delays programs that never need a client

        self._transport = Transport(settings, clock=clock)
        self._bind(Site(self._transport))

    def _bind(self, site: Site) -> None:
        self.settings, self._site = site.settings, site
        self.hosts = nouns.Hosts(self._site)
        self.folders = nouns.Folders(self._site)
        self.host_status = nouns.HostStatuses(self._site)
        self.services = nouns.Services(self._site)
        self.jobs = nouns.Jobs(self._site)
        self.discovery = nouns.Discovery(self._site, self.jobs)
        self.activation = nouns.Activation(self._site)
        self.downtimes = nouns.Downtimes(self._site)
        self.acknowledgements = nouns.Acknowledgements(self._site)
        self.comments = nouns.Comments(self._site)
        self.problems = Problems(self._site)
        self.host_attributes = nouns.HostAttributes(self._site)
        for name, row in rows.NOUNS.items():
            default = AssignedKeys if row.key.assigned else Collection
            setattr(self, name, nouns.COLLECTIONS.get(name, default)(self._site, row.record))

    @classmethod
    def from_settings(cls, settings: Settings, *, clock: Optional[Clock] = None) -> Checkmk:
        """Create a client from :class:`.Settings`.

        Settings can be pickled, so that another process can create the same client. ``clock`` is as for the
        constructor.
        """
        require_type(settings, Settings, "from_settings needs Settings", "; from_config reads a file")
        client = cls.__new__(cls)
        client._open(settings, clock)
        return client

    @classmethod
    def from_config(cls, path: Union[str, os.PathLike[str]]) -> Checkmk:
        """Create a client from a YAML file.

        Raises SettingsError, with file and line, if the configuration is not valid.
        """
        from ..config.file import load  # only a client with a file needs the YAML parser

        return cls.from_settings(load(path))

    @classmethod
    def from_env(cls) -> Checkmk:
        """Create a client from environment variables.

        The variables are ``CHECKMK_SERVER_URL``, ``CHECKMK_SITE``, ``CHECKMK_USERNAME``, and ``CHECKMK_PASSWORD`` or
        ``CHECKMK_PASSWORD_FILE``. Raises SettingsError if one is missing or not valid.
        """
        from ..config.file import from_env

        return cls.from_settings(from_env())

    if not TYPE_CHECKING:  # type checkers must still report unknown names

        def __getattr__(self, name: str) -> NoReturn:
            """Raise an AttributeError that lists the nouns and suggests similar names."""
            names = sorted(noun for noun, held in vars(self).items() if isinstance(held, Resource))
            if name.startswith("_") or not names:  # there are no nouns yet while copy creates the object
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
            meant = close_matches(name, (known for known in dir(self) if not known.startswith("_")))
            hint = f"; did you mean {' or '.join(map(repr, meant))}? The nouns are" if meant else "; the nouns are"
            error = AttributeError(
                f"Checkmk has no attribute {name!r}{hint}: {', '.join(names)} (see docs/reading.md or help(Checkmk))"
            )
            # If Python knows the object, it appends its own suggestion, such as "services" for "downtimes".
            error.name, error.obj = name, None
            raise error

    def _configured(self, settings: Settings) -> Checkmk:
        """Return a client that shares everything with this one, except the settings of streams and bulk calls."""
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
        """Request the version, the edition and the ID of the site.

        This is the cheapest request that checks both the address and the credentials. Raises AuthError if the
        credentials are wrong, and TransportError if the server cannot be reached.
        """
        # CHECKMK_API 10.1: the request needs no special permission and takes no lock.
        reply = self._site.perform("site", "version")
        with parsing(reply):
            return Version.parse(reply.data)

    def checkmk_version(self) -> CheckmkVersion:
        """Return the version of Checkmk, which can be compared with others.

        A request is sent only if no earlier response contained the version.
        """
        return self._site.version()

    @property
    def edition(self) -> Optional[str]:
        """The short name of the site's edition, such as ``cre`` or ``community``; None before the first response."""
        return self._transport.edition

    def health(self, *, pending: bool = False) -> Health:
        """Check whether the site answers. With ``pending``, also count the changes that wait for an activation.

        If the check fails, the result contains the error; it is not raised. The circuit breaker treats the check like
        any other call: while the breaker is open, no request is sent and the result contains a CircuitOpenError. After
        the recovery timeout, the check serves as the probe.
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
            with contextlib.suppress(CheckmkError):  # the user may lack the permission to see pending changes
                count = len(self.activation.pending())
        return Health(failure is None, version, latency_s, self._transport.breaker.state, failure, count)

    def status(self) -> SiteStatus:
        """Return the numbers of hosts, services, problems and pending changes of the site.

        All hosts are read as a stream, because the API does not count them.
        """
        return read_status(self._site, self.version())

    @property
    def clock(self) -> Clock:
        """The clock that measures all timeouts and pauses of this client."""
        return self._site.clock

    @property
    def collector(self) -> MetricsCollector:
        """The collector of this client's metrics."""
        return self._transport.metrics

    def metrics(self) -> Mapping[str, Any]:
        """Return the metrics of this client as plain data.

        The result contains the keys of :meth:`.MetricsCollector.get_stats`, the statistics of the ``cache`` and the
        state of the ``breaker``. It covers the last ``metrics.retention_hours`` hours. Calls are timed as
        ``call.<noun>.<verb>`` and counted as ``calls.<noun>.<verb>.<status or error>``.
        """
        breaker = self._transport.breaker.state.value
        return {**self.collector.get_stats(), "cache": self._transport.cache.stats(), "breaker": breaker}

    def add_hook(self, hook: Callable[[CallEvent], object]) -> None:
        """Register ``hook`` to be called with a :class:`~checkmk_sync.metrics.calls.CallEvent` after every call.

        >>> cmk.add_hook(lambda event: print(event.noun, event.verb, event.status, event.duration_s))

        The hook runs in the thread that made the call. Its exceptions are logged and otherwise ignored. If a hook makes
        calls itself, no hook is called for them.
        """
        self._transport.call_metrics.add_hook(hook)

    def add_settling_hook(self, hook: Callable[[Settling], object]) -> None:
        """Register ``hook`` to be called with a :class:`.Settling` each time the answer to a write is lost.

        The client then reads the site for up to ``limit_s`` seconds, to find out whether the write was applied. The
        hook runs before these reads. Its exceptions are logged and otherwise ignored.
        """
        self._site.settling_hooks.append(hook)

    def remove_settling_hook(self, hook: Callable[[Settling], object]) -> None:
        """Stop calling ``hook`` when an answer is lost. Raises ValueError if the hook is not registered."""
        self._site.settling_hooks.remove(hook)

    def remove_hook(self, hook: Callable[[CallEvent], object]) -> None:
        """Stop calling ``hook`` after calls. Raises ValueError if the hook is not registered."""
        self._transport.call_metrics.remove_hook(hook)

    def invalidate_cache_pattern(self, pattern: str) -> int:
        """Remove all cached responses with a key that matches ``pattern``, and return their number.

        >>> cmk.invalidate_cache_pattern("hosts:*web01*")

        Keys have the form ``noun:verb:path:…``. The pattern can contain the wildcards ``*``, ``?`` and ``[…]``.
        """
        return self._transport.cache.invalidate_pattern(pattern)

    def cache_generation(self, noun: str) -> str:
        """Return a token that changes with every write to ``noun``, such as ``hosts`` or ``folders``.

        If you keep data that is derived from responses, discard it when the token has changed. While the storage of the
        cache is unavailable, every call returns a new token. Raises ValueError for an unknown noun.
        """
        return self._transport.cache.generation_of(noun)

    def clear_cache(self) -> None:
        """Remove all responses from the cache."""
        self._transport.cache.clear()

    def close(self) -> None:
        """Close all connections. Leaving the ``with`` statement does the same.

        Calls that wait for their next retry fail immediately. Later calls raise ConnectError.
        """
        self._transport.close()

    def __del__(self) -> None:
        transport = getattr(self, "_transport", None)  # None if the constructor has failed
        if transport is not None and transport.has_connections and self._original is None:
            message = f"unclosed client {self!r}; use it in a with statement, or call close()"
            warnings.warn(message, ResourceWarning, source=self, stacklevel=2)

    def __enter__(self) -> Checkmk:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        settings: Optional[Settings] = self.__dict__.get("settings")  # None if the constructor has failed
        if settings is None:
            return "Checkmk()"
        return f"Checkmk({settings.server_url!r}, {settings.site!r}, {settings.username!r})"


def require_client(given: Checkmk, what: str) -> Checkmk:
    """Return ``given`` if it has the attributes of a client. Otherwise raise TypeError with the subject ``what``."""
    if not all(hasattr(given, name) for name in ("hosts", "folders", "settings")):
        raise TypeError(f"{what} needs a client such as Checkmk.from_env(), not {describe_type(given)}")
    return given
