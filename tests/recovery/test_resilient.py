"""``resilient`` guards functions with fallback(retry(breaker(function))), per instance, without multiplied retries."""

from __future__ import annotations

import threading
from typing import Any, AsyncIterator, Callable, Iterator

import pytest

from checkmk_sync import Checkmk
from checkmk_sync.config.settings import BreakerSettings, RecoverySettings, RetrySettings
from checkmk_sync.errors import CircuitOpenError, ConnectError, GatewayError, NotFoundError
from checkmk_sync.recovery import BreakerState, CircuitBreaker, FallbackHandler, RecoveryMixin, RetryPolicy, resilient
from checkmk_sync.testing import Fault, ManualClock, SimulatedSite

UNKNOWN = {"status": "unknown"}


class Stub:
    """A stand-in for a client that has only a clock."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock


class Service(RecoveryMixin):
    """A service whose methods raise the given failures first."""

    def __init__(self, client: Any = None, config: Any = None, *failures: Exception) -> None:
        self.client, self.config = client, config
        self.failures, self.calls = list(failures), 0

    @resilient(circuit_breaker=True, retry_policy=True, fallback=True)
    def get_host_status(self, host_name: str) -> Any:
        """Return the status."""
        return self.do(host_name)

    @resilient(retry_policy=False, fallback=False)
    def other(self) -> Any:
        return self.do("")

    def do(self, host_name: str) -> Any:
        self.calls += 1
        if self.failures:
            raise self.failures.pop(0)
        return {"status": "up", "host": host_name}


@pytest.fixture
def make(clock: ManualClock) -> Callable[..., Service]:
    def made(*failures: Exception, threshold: int = 5, retries: int = 3) -> Service:
        config = RecoverySettings(BreakerSettings(threshold, 60), RetrySettings(retries, 1.0, jitter=False))
        return Service(Stub(clock), config, *failures)

    return made


def test_it_retries_and_returns(make: Callable[..., Service], clock: ManualClock) -> None:
    service = make(TimeoutError(), ConnectError("refused", sent=False))
    assert service.get_host_status("web01") == {"status": "up", "host": "web01"}
    assert (service.calls, clock.slept) == (3, [1.0, 2.0])
    assert Service.get_host_status.__doc__ == "Return the status."


def test_the_fallback_follows_the_last_retry(make: Callable[..., Service]) -> None:
    service = make(*[TimeoutError()] * 9)
    service.fallback_handler.register_fallback("get_host_status", lambda host_name: {**UNKNOWN, "host": host_name})
    assert service.get_host_status(host_name="web01") == {**UNKNOWN, "host": "web01"}
    assert service.calls == 4


def test_the_breaker_counts_attempts_and_ends_retries(make: Callable[..., Service], clock: ManualClock) -> None:
    service = make(*[TimeoutError()] * 9, threshold=2)
    with pytest.raises(TimeoutError):
        service.get_host_status("web01")
    assert (service.calls, clock.slept) == (2, [1.0]), "no retry waits while the breaker is open"
    with pytest.raises(CircuitOpenError, match="2 attempts in a row failed"):
        service.get_host_status("web01")
    service.fallback_handler.register_fallback("get_host_status", lambda host_name: UNKNOWN)
    assert service.get_host_status("web01") == UNKNOWN
    assert service.calls == 2
    clock.advance(60)
    service.failures.clear()
    assert service.get_host_status("web01")["status"] == "up"


def test_permanent_failures_are_raised_at_once(make: Callable[..., Service]) -> None:
    service = make(NotFoundError(404, "Not Found"))
    service.fallback_handler.register_fallback("get_host_status", lambda host_name: UNKNOWN)
    with pytest.raises(NotFoundError):
        service.get_host_status("web01")
    assert service.calls == 1


def test_each_instance_and_method_has_its_own_breaker(make: Callable[..., Service]) -> None:
    one, other = make(*[TimeoutError()] * 9, threshold=1), make()
    with pytest.raises(TimeoutError):
        one.other()
    assert one.circuit_breakers["Service.other"].state is BreakerState.OPEN
    one.failures.clear()
    assert one.get_host_status("web01")["status"] == "up"
    assert other.other()["status"] == "up"
    assert set(one.circuit_breakers) == {"Service.other", "Service.get_host_status"}


def test_methods_can_call_the_method_they_override(make: Callable[..., Service], clock: ManualClock) -> None:
    """If both methods shared a breaker, a probe of the outer method would make the inner one refuse the call."""

    class Special(Service):
        @resilient(retry_policy=False, fallback=False)
        def other(self) -> Any:
            return super().other()

    service = Special(Stub(clock), make(threshold=1).config, TimeoutError())
    with pytest.raises(TimeoutError):
        service.other()
    clock.advance(60)
    assert service.other()["status"] == "up"


def test_given_objects_are_used_as_they_are(clock: ManualClock) -> None:
    breaker = CircuitBreaker(failure_threshold=2, clock=clock)
    policy = RetryPolicy(max_retries=1, base_delay=7.0, jitter=False, clock=clock)
    calls: list[str] = []

    @resilient(circuit_breaker=breaker, retry_policy=policy, fallback=lambda name: "nobody")
    def greet(name: str) -> str:
        calls.append(name)
        raise TimeoutError

    assert greet("web01") == "nobody"
    assert (len(calls), clock.slept, breaker.state) == (2, [7.0], BreakerState.OPEN)
    assert isinstance(greet.recovery.fallback_handler.failure("greet"), TimeoutError)  # type: ignore[attr-defined]


def test_registered_fallbacks_take_precedence(clock: ManualClock) -> None:
    @resilient(retry_policy=False, fallback=lambda: "given")
    def ask() -> str:
        raise TimeoutError

    assert ask() == "given"
    ask.recovery.fallback_handler.register_fallback("ask", lambda: "registered")  # type: ignore[attr-defined]
    assert ask() == "registered"


def test_guards_can_be_left_out() -> None:
    calls: list[int] = []

    @resilient(circuit_breaker=False, retry_policy=False, fallback=False)
    def fail() -> None:
        calls.append(1)
        raise TimeoutError

    for _ in range(9):
        with pytest.raises(TimeoutError):
            fail()
    assert len(calls) == 9
    assert fail.recovery.circuit_breakers == {}  # type: ignore[attr-defined]


def test_generators_and_coroutines_are_refused() -> None:
    def numbers() -> Iterator[int]:
        yield 1

    async def later() -> None:
        pass

    async def numbers_later() -> AsyncIterator[int]:
        yield 1

    for function in (numbers, later, numbers_later):
        with pytest.raises(TypeError, match="works after it has returned"):
            resilient()(function)


def test_services_without_the_mixin_are_refused() -> None:
    class Plain:
        @resilient()
        def ask(self) -> None:
            pass

    with pytest.raises(TypeError, match="Plain must be a RecoveryMixin"):
        Plain().ask()


def test_threads_share_one_set_of_guards(make: Callable[..., Service]) -> None:
    service, together = make(), threading.Barrier(16, timeout=10)
    found: list[Any] = []

    def ask() -> None:
        together.wait()
        service.get_host_status("web01")
        found.append((service.fallback_handler, service.retry_policy, *service.circuit_breakers.values()))

    threads = [threading.Thread(target=ask) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(found) == 16
    assert len(set(found)) == 1


# On a client


class Hosts(RecoveryMixin):
    def __init__(self, client: Checkmk) -> None:
        self.client = client

    @resilient()
    def get(self, name: str) -> Any:
        return self.client.hosts.get(name)

    @resilient()
    def names(self) -> list[str]:
        return [host.name for host in self.client.hosts.each()]

    @resilient()
    def create(self, name: str) -> Any:
        return self.client.hosts.create(name)


@pytest.fixture
def away(clock: ManualClock) -> Iterator[SimulatedSite]:
    with SimulatedSite(hosts=3) as site:
        yield site


@pytest.mark.parametrize(("clients", "tries"), [(3, 4), (0, 4), (1, 2)])
def test_retries_of_the_client_do_not_multiply(away: SimulatedSite, connect: Any, clients: int, tries: int) -> None:
    """Either the client or the service retries. The service uses the client's settings unless it has its own."""
    recovery = {"retry": {"max_retries": clients}, "circuit_breaker": {"failure_threshold": 99}}
    service = Hosts(connect(away, recovery=recovery))
    service.config = RecoverySettings(retry=RetrySettings(max_retries=3))  # type: ignore[attr-defined]
    away.set_faults([Fault("status", status=503)])
    with pytest.raises(GatewayError):
        service.get("host00000")
    assert away.state.faults.matched["status"] == tries


def test_an_empty_retry_budget_of_the_client_is_respected(away: SimulatedSite, connect: Any) -> None:
    """The site is down, so retries by the service would only add load."""
    service = Hosts(connect(away, recovery={"circuit_breaker": {"failure_threshold": 10**6}}))
    away.set_faults([Fault("status", status=503)])
    for _ in range(40):
        with pytest.raises((GatewayError, CircuitOpenError)):
            service.get("host00000")
    assert away.state.faults.matched["status"] <= 40 + 10


def test_broken_streams_are_read_again_from_the_start(away: SimulatedSite, connect: Any) -> None:
    away.set_faults([Fault("cut", path="host_config/collections/all", times=1)])
    assert len(Hosts(connect(away)).names()) == 3


def test_writes_have_no_fallback(away: SimulatedSite, connect: Any) -> None:
    service = Hosts(connect(away, recovery={"retry": {"max_retries": 0}}))
    service.client.version()
    for method in ("get", "create"):
        service.fallback_handler.register_fallback(method, lambda name: None)
    for fault in (Fault("status", status=429), Fault("status", status=503, times=1), Fault("reset_before", times=1)):
        away.set_faults([fault])
        with pytest.raises(Exception, match="429|503|lost|broke|hosts"):
            service.create("web01")
        away.set_faults([fault])
        assert service.get("host00000") is None
    assert "web01" not in away.state.configuration.hosts


def test_closing_the_client_ends_waits_of_services() -> None:
    with SimulatedSite() as site, site.client() as client:
        service = Service(client, RecoverySettings(retry=RetrySettings(1, 3600.0, 3600.0, jitter=False)))
        service.failures = [TimeoutError()]
        failures: list[Exception] = []

        def ask() -> None:
            try:
                service.get_host_status("web01")
            except TimeoutError as error:
                failures.append(error)

        waiting = threading.Thread(target=ask)
        waiting.start()
        client.close()
        waiting.join(10)
        assert len(failures) == 1


def test_retries_are_counted_in_the_collector_of_the_client(away: SimulatedSite, connect: Any) -> None:
    service = Hosts(connect(away))
    away.set_faults([Fault("cut", path="host_config/collections/all", times=1)])
    service.names()
    assert service.client.metrics()["counters"]["retries.names"] == 1


def test_a_fallback_handler_answers_for_a_function() -> None:
    handler = FallbackHandler()
    handler.register_fallback("read", lambda name: f"{name} from yesterday")

    @resilient(retry_policy=False, fallback=handler)
    def read(name: str) -> str:
        raise ConnectionError(name)

    assert read("web01") == "web01 from yesterday"


@pytest.mark.parametrize("argument", ["circuit_breaker", "retry_policy", "fallback"])
def test_guards_of_a_wrong_type_are_refused_where_they_are_given(argument: str) -> None:
    with pytest.raises(TypeError, match=f"{argument} must be True, False"):
        resilient(**{argument: 3})
