"""``SimulatedSite``, a Checkmk site in this process that is reached over real HTTP."""

from __future__ import annotations

from typing import Any, Callable, Iterable, Mapping, Optional, Sequence, Union

from ..catalogue.paths import folder_path
from ..core.clock import Clock, SystemClock
from .app import Received, SiteApp
from .configuration import Configuration, User
from .control import Control
from .endpoints import SiteState
from .fault_middleware import FaultMiddleware
from .faults import Fault, FaultScript
from .jobs import Activations, BackgroundJobs
from .monitoring_core import MonitoringCore
from .permissions import PERMISSIONS
from .sample_services import templates
from .server import Server
from .version_profile import VersionProfile

AUTOMATION = ("automation", "simulated-secret")


class SimulatedSite:
    """A site that behaves like Checkmk, on 127.0.0.1 unless ``host`` is given.

    ``version`` and ``edition`` (by any of its names) determine the features of the site. At the start, the site has
    ``hosts`` hosts with ``services`` services each, all discovered and monitored.

    Times are in seconds, and jobs use ``clock``. ``latency`` is added to every request. A write holds the configuration
    lock for ``lock_hold``, plus ``host_cost`` for each of its hosts. An activation takes ``activation_time``, and a
    scan takes ``discovery_time``. The job of a scan becomes visible ``discovery_race`` after its start. New hosts
    appear in the monitoring ``core_delay`` after an activation, and are pending for ``check_delay``.

    ``faults`` are scripted faults, and ``fault_seed`` seeds their random choices. Without ``etag_locking``,
    the site ignores ``If-Match``, as a setting of Checkmk allows. ``user_attributes`` are the names of custom
    attributes of users. ``username`` and ``password`` belong to the user of :meth:`client`. ``control`` serves
    ``/control``, through which other processes control the site.

    The attributes ``url``, ``site``, ``username`` and ``password`` are the values of ``CHECKMK_SERVER_URL``,
    ``CHECKMK_SITE``, ``CHECKMK_USERNAME`` and ``CHECKMK_PASSWORD`` for programs that use :meth:`.Checkmk.from_env`.

    Raises ValueError for an unknown version, edition or fault, and for ``control`` on an address that other machines
    can reach.
    """

    def __init__(
        self,
        version: str = "2.4.0p18",
        edition: str = "cre",
        site: str = "s",
        *,
        hosts: int = 0,
        services: int = 30,
        latency: float = 0.0,
        lock_hold: float = 0.0,
        host_cost: float = 0.0,
        activation_time: float = 0.05,
        discovery_time: float = 0.05,
        discovery_race: float = 0.0,
        core_delay: float = 0.0,
        check_delay: float = 0.0,
        etag_locking: bool = True,
        user_attributes: Iterable[str] = (),
        faults: Iterable[Union[Fault, Mapping[str, Any]]] = (),
        fault_seed: int = 0,
        clock: Optional[Clock] = None,
        host: str = "127.0.0.1",
        port: int = 0,
        username: str = AUTOMATION[0],
        password: str = AUTOMATION[1],
        control: bool = False,
    ) -> None:
        if control and host not in ("127.0.0.1", "::1", "localhost"):
            raise ValueError(f"a site with control must listen on this machine only, not on {host}")
        self.site, self.username, self.password = site, username, password
        self._profile = VersionProfile.of(version, edition)
        self._clock: Clock = clock or SystemClock()
        self._services, self._etag_locking = services, etag_locking
        self._times = (activation_time, core_delay, discovery_time, discovery_race, check_delay)
        self._user_attributes = tuple(user_attributes)
        self._users: list[tuple[User, str]] = []
        state = self._new_state(FaultScript(faults, fault_seed), hosts)
        self._app = SiteApp(state, lock_hold_s=lock_hold, host_cost_s=host_cost)
        self._faulty_app = FaultMiddleware(self._app, latency)
        self._faulty_app.start_lasting()
        served: Any = self._faulty_app
        if control:
            served = Control(served, self.reset, self.seed_monitoring, self.set_faults, self.counts)
        self._host = host
        self._server: Optional[Server] = Server(served, host, port)

    def _new_state(self, faults: FaultScript, hosts: int) -> SiteState:
        activation_s, core_delay_s, discovery_s, race_s, check_delay_s = self._times
        configuration = Configuration(self._profile, self.site, self._clock, self._user_attributes)
        for user, role in ((User(self.username, self.password, PERMISSIONS["admin"]), "admin"), *self._users):
            configuration.add_login(user, role)
        core = MonitoringCore(self._clock, self._services, check_delay_s)
        jobs = BackgroundJobs(configuration, self._services, discovery_s, race_s)
        activations = Activations(configuration, core, activation_s, core_delay_s)
        self._populate(configuration, hosts)
        activations.load(configuration.hosts, configuration.service_phases)
        return SiteState(self._profile, configuration, core, activations, jobs, faults, self._etag_locking)

    def _populate(self, configuration: Configuration, hosts: int) -> None:
        """Add discovered and monitored hosts, without pending changes."""
        monitored = dict.fromkeys(range(len(templates(self._services))), "monitored")
        for number in range(hosts):
            folder = f"/folder{number // 1000:02d}" if hosts > 1000 else "/"
            if folder not in configuration.folders:
                configuration.add_folder(folder, folder[1:].capitalize(), {}, user="cmkadmin")
            address = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
            name = f"host{number:05d}"
            configuration.add_host(name, folder, {"ipaddress": address}, user="cmkadmin")
            configuration.service_phases[name] = monitored
        configuration.changes.clear()

    @property
    def url(self) -> str:
        """The URL of the server, without the site and the API path."""
        if self._server is None:
            raise RuntimeError("the simulated site is closed")
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self._server.port}"

    @property
    def api_url(self) -> str:
        """The base URL of all API paths."""
        return f"{self.url}/{self.site}/check_mk/api/1.0"

    def client(self, username: Optional[str] = None, **options: Any) -> Any:
        """Return a :class:`checkmk_sync.Checkmk` for this site, as the automation user or as an added user."""
        from ..client.checkmk import Checkmk

        name = username or self.username
        return Checkmk(self.url, self.site, name, self._app.state.configuration.users[name].password, **options)

    @property
    def requests(self) -> Sequence[Received]:
        """The last 20,000 API requests, oldest first. The Authorization header is hidden."""
        return list(self._app.requests)

    @property
    def state(self) -> SiteState:
        """The internal state, to compare with the results of a client."""
        self._app.state.finish_due_jobs()
        return self._app.state

    def on_request(self, callback: Optional[Callable[[str, str], None]]) -> None:
        """Call ``callback(method, path)`` before each API request is handled. None removes the callback."""
        self._app.on_request = callback

    @property
    def most_waiting(self) -> int:
        """The maximum number of writes that waited for the configuration lock at the same time."""
        return self._app.most_waiting

    def reset(self) -> None:
        """Reset to an empty site without faults and recorded requests. The users stay."""
        self.set_faults([])
        self._app.state = self._new_state(self._app.state.faults, 0)
        self._app.requests.clear()

    def seed_monitoring(self, rows: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
        """Replace the rows of the monitoring core by ``{"hosts": […], "services": […]}``."""
        self._app.state.monitoring.seed(rows)

    def set_faults(self, faults: Iterable[Union[Fault, Mapping[str, Any]]]) -> None:
        """Replace the scripted faults. An empty list removes all of them."""
        self._app.state.faults.set(faults)
        self._faulty_app.start_lasting()

    def add_user(
        self,
        name: str,
        password: str,
        role: str = "admin",
        *,
        without: Iterable[str] = (),
        lock_after: Optional[int] = None,
        folders: Optional[Iterable[str]] = None,
        sees: Optional[Iterable[str]] = None,
    ) -> None:
        """Add a user with the permissions of the role ``admin``, ``user`` or ``guest``, except those in ``without``.

        The user may change only hosts and folders in ``folders``, and see only hosts in ``sees``. The account is locked
        after ``lock_after`` wrong passwords. None means no limit.
        """
        inside, seen = (None if paths is None else tuple(map(folder_path, paths)) for paths in (folders, sees))
        user = User(name, password, PERMISSIONS[role] - set(without), lock_after, folders=inside, sees=seen)
        self._users.append((user, role))
        self._app.state.configuration.add_login(user, role)

    def add_custom_attribute(self, name: str) -> None:
        """Add a custom attribute of hosts and folders. Up to 2.5, only the web interface of Checkmk can do this."""
        configuration = self._app.state.configuration
        with configuration.mutex:
            configuration.rules.custom.add(name)
            configuration.apply_tag_groups()

    def manage_by_quick_setup(self, rule_id: str) -> None:
        """Let Quick setup manage a rule. It becomes the first one of its folder, and cannot be moved or deleted."""
        configuration = self._app.state.configuration
        with configuration.mutex:
            rules = configuration.objects["rules"]
            rule, others = {**rules.pop(rule_id), "locked_by": "quick_setup"}, dict(rules)
            rules.clear()
            rules.update({rule_id: rule, **others})

    def counts(self) -> dict[str, Any]:
        """Return the numbers of requests, objects, pending changes and matched faults, and the remaining faults."""
        state = self.state
        return {
            "version": str(state.profile.version),
            "edition": state.profile.edition,
            "site": self.site,
            "requests": self._app.answered,
            "most_waiting": self._app.most_waiting,
            "hosts": len(state.configuration.hosts),
            "folders": len(state.configuration.folders),
            "monitored_hosts": len(state.monitoring.hosts),
            "pending_changes": len(state.configuration.changes),
            "faults": state.faults.to_list(),
            "struck": dict(state.faults.matched),
        }

    def close(self) -> None:
        """Stop the server and cancel the faults that are still waiting."""
        if self._server is not None:
            self._faulty_app.close()
            self._server.close()
            self._server = None

    def __enter__(self) -> SimulatedSite:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
