"""Scripted faults: their kinds, the requests that they match, and the number of times they occur."""

from __future__ import annotations

import dataclasses
import random
import re
import threading
from dataclasses import dataclass, fields
from typing import Any, Iterable, Mapping, Optional, Union

KINDS = {
    "status": "answer 5xx with an HTML page, or 429 with Retry-After, like a web server in front of the site",
    "crash": "answer 500 with a crash report, without executing the request",
    "crash_after": "execute the request, then answer 500 with a crash report",
    "lock": "answer 500 after `seconds`, because the configuration lock is not available",
    "answer": "answer `status` with `body`, without executing the request, like a web server in front of the site",
    "answer_after": "execute the request, then answer `status` with `body`",
    "repeat": "execute the request twice and return the second answer, like a web server that repeats requests",
    "html": "answer 200 with an HTML page",
    "redirect": "redirect to a login page with 302, without executing the request, like a portal in front of the site",
    "reset_before": "close the connection without executing the request",
    "reset_after": "execute the request, then close the connection without an answer",
    "late": "close the connection, and execute the request `seconds` later",
    "late_page": "answer 5xx with an HTML page, and execute the request `seconds` later, as behind an impatient proxy",
    "slow": "wait `seconds` before executing the request",
    "drip": "send one byte of the body every `seconds`",
    "cut": "send half of the body, then close the connection",
    "truncate": "send half of the JSON as if it were complete",
    "gzip": "compress the answer and append -gzip to its ETag, like Apache",
    "foreign_location": "send a Location with http:// and a different host, as behind a TLS proxy",
    "hold_lock": "hold the configuration lock for `seconds` from now on, like another user",
    "fail_activation": "end the next activation with an error; its changes stay pending",
    "fail_discovery": "end the next background discovery with an exception",
    "fail_host": "skip hosts with a name that matches `hosts` in bulk calls",
}
_LASTING = ("hold_lock", "fail_activation", "fail_discovery")  # these do not apply to a request


@dataclass(frozen=True)
class Fault:
    """A fault of one kind (see ``Fault.kinds()``) for the requests that it matches.

    ``method`` and ``path`` select requests; ``path`` is a regular expression that is searched in the part of the URL
    below ``/api/1.0``. ``writes`` selects only writes. ``skip`` is the number of matching requests that pass first,
    ``times`` the number of times the fault occurs (None: always), and ``probability`` its probability. ``seconds`` are
    real seconds. ``body`` is a string, which is sent as HTML, or data, which is sent as JSON, unless ``content_type``
    is given. None sends an empty body. Raises ValueError if a field is not valid.
    """

    kind: str
    status: int = 503
    seconds: float = 0.0
    retry_after: Optional[float] = None
    method: Optional[str] = None
    path: str = ""
    writes: bool = False
    hosts: str = ".*"
    skip: int = 0
    times: Optional[int] = None
    probability: float = 1.0
    body: Any = None
    content_type: str = ""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"unknown fault {self.kind!r}; use one of {', '.join(KINDS)}")
        if self.kind in ("status", "late_page") and not (self.status == 429 or 500 <= self.status < 600):
            raise ValueError(
                f"the status must be 429 or between 500 and 599, not {self.status}, because proxies send no others"
            )
        for regex in (self.path, self.hosts):
            try:
                re.compile(regex)
            except re.error as error:
                raise ValueError(f"{regex!r} is not a valid regular expression: {error}") from error

    @staticmethod
    def kinds() -> Mapping[str, str]:
        """Return all kinds with their descriptions."""
        return KINDS

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Fault:
        """Create a fault from plain data. Raises ValueError for a missing or unknown kind, or an unknown key."""
        if "kind" not in data:
            raise ValueError(f"a fault must have a 'kind'; use one of {', '.join(KINDS)}")
        known = [entry.name for entry in fields(cls)]
        unknown = sorted(set(data) - set(known))
        if unknown:
            raise ValueError(f"unknown keys in a fault: {', '.join(unknown)}; use {', '.join(known)}")
        return cls(**data)


_READS_BY_POST = re.compile(r"/domain-types/(host|service)/collections/all$|/collections/services$")


class FaultScript:
    """The faults of a site, in order. The first fault that matches a request is applied."""

    def __init__(self, faults: Iterable[Union[Fault, Mapping[str, Any]]] = (), seed: int = 0) -> None:
        self._lock = threading.Lock()
        self._random = random.Random(seed)
        self._faults: list[Fault] = []  # with the remaining ``skip`` and ``times``
        self._failing_hosts: list[re.Pattern[str]] = []
        self.lasting: list[Fault] = []
        self.matched: dict[str, int] = {}
        self.set(faults)

    def set(self, faults: Iterable[Union[Fault, Mapping[str, Any]]]) -> None:
        """Replace all faults. The ``lasting`` ones start immediately instead of matching requests."""
        parsed = [fault if isinstance(fault, Fault) else Fault.of(fault) for fault in faults]
        with self._lock:
            self._failing_hosts = [re.compile(fault.hosts) for fault in parsed if fault.kind == "fail_host"]
            self._faults = [fault for fault in parsed if fault.kind not in (*_LASTING, "fail_host")]
            self.lasting = [fault for fault in parsed if fault.kind in _LASTING]

    def match(self, method: str, path: str) -> Optional[Fault]:
        """Return the fault for a request and count it. Return None if no fault matches."""
        with self._lock:
            for index, fault in enumerate(self._faults):
                if not self._is_about(fault, method, path):
                    continue
                if fault.skip > 0:
                    self._faults[index] = dataclasses.replace(fault, skip=fault.skip - 1)
                    continue
                if fault.times is not None:
                    self._faults[index] = dataclasses.replace(fault, times=fault.times - 1)
                self.matched[fault.kind] = self.matched.get(fault.kind, 0) + 1
                return fault
        return None

    def _is_about(self, fault: Fault, method: str, path: str) -> bool:
        is_write = method not in ("GET", "HEAD") and not _READS_BY_POST.search(path)
        if fault.method not in (None, method) or (fault.writes and not is_write) or fault.times == 0:
            return False
        return re.search(fault.path, path) is not None and self._random.random() < fault.probability

    def fails_host(self, name: str) -> bool:
        return any(pattern.fullmatch(name) for pattern in self._failing_hosts)

    def to_list(self) -> list[dict[str, Any]]:
        """Return the remaining faults for requests, as plain data."""
        with self._lock:
            return [dataclasses.asdict(fault) for fault in self._faults]
