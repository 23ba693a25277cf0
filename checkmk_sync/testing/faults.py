"""Scripted faults: their kinds, the requests that they match, and the number of times they occur."""

from __future__ import annotations

import dataclasses
import random
import re
import threading
from dataclasses import dataclass, fields
from typing import Any, Iterable, Mapping, Optional, Union

from .data_files import rows

_ROWS = rows("faults")
KINDS = {row["kind"]: row["description"] for row in _ROWS}
_STRIKES = {row["kind"]: row["strikes"] for row in _ROWS}


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


_READS_BY_POST = re.compile(
    r"/domain-types/(host|service)/collections/all$|/collections/services$|/host_config/actions/wait-for-completion/"
)


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
            self._failing_hosts = [re.compile(fault.hosts) for fault in parsed if _STRIKES[fault.kind] == "hosts"]
            self._faults = [fault for fault in parsed if _STRIKES[fault.kind] == "requests"]
            self.lasting = [fault for fault in parsed if _STRIKES[fault.kind] == "at once"]

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
