"""Scripted faults: kinds, the requests that they match, and how often they happen."""

from __future__ import annotations

import dataclasses
import random
import re
import threading
from dataclasses import dataclass, fields
from typing import Any, Iterable, Mapping, Optional, Sequence, Union

__all__ = ["Fault", "FaultScript"]

KINDS = {
    "status": "answer a 5xx with HTML, or 429 with Retry-After, as a web server in front of the site does",
    "crash": "answer 500 with a crash report, nothing done",
    "crash_after": "do it, then answer 500 with a crash report",
    "lock": "answer 500: the configuration lock could not be had (after `seconds`)",
    "answer": "answer `status` with `body`, nothing done, as a web server in front of the site does",
    "answer_after": "do it, then answer `status` with `body`",
    "repeat": "do it twice and answer what the second time gives, as a web server that sends a request again does",
    "html": "answer 200 with an HTML page",
    "redirect": "answer 302 to a login page, nothing done, as a portal in front of the site does",
    "reset_before": "close the connection, nothing done",
    "reset_after": "do it, then close the connection instead of answering",
    "late": "close the connection, do it `seconds` later",
    "late_page": "answer a 5xx with HTML, do it `seconds` later, as behind a proxy that does not wait",
    "slow": "wait `seconds` before doing anything",
    "drip": "send the body one byte each `seconds`",
    "cut": "send half of the body, then close the connection",
    "truncate": "send half of the JSON as if it were all",
    "gzip": "compress the answer and append -gzip to its ETag, as Apache does",
    "foreign_location": "send Location with http:// and another host, as behind a TLS proxy",
    "hold_lock": "somebody else holds the configuration lock for `seconds` from now on",
    "fail_activation": "the next activation ends with an error, its changes stay pending",
    "fail_discovery": "the next discovery in the background ends with an exception",
    "fail_host": "bulk calls skip hosts whose name matches `hosts`",
}
_LASTING = ("hold_lock", "fail_activation", "fail_discovery")  # not about a request


@dataclass(frozen=True)
class Fault:
    """A fault of one kind (see ``Fault.kinds()``) for the requests that it matches.

    ``method`` and ``path`` (a regular expression searched in the part below ``/api/1.0``) select requests; ``writes``
    selects only writes. ``skip`` lets the first requests pass, ``times`` is how often the fault happens (None: always),
    ``probability`` how likely it is. ``seconds`` are real seconds. ``body`` is a text, sent as HTML, or data, sent as
    JSON, unless ``content_type`` says otherwise; None is an empty body.
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
            raise ValueError(f"{self.kind!r} is no fault; there are: {', '.join(KINDS)}")
        if self.kind in ("status", "late_page") and not (self.status == 429 or 500 <= self.status < 600):
            raise ValueError(f"no proxy answers {self.status} of its own; there are 429 and 500 to 599")
        for regex in (self.path, self.hosts):
            try:
                re.compile(regex)
            except re.error as error:
                raise ValueError(f"{regex!r} is no regular expression: {error}") from error

    @staticmethod
    def kinds() -> Mapping[str, str]:
        """Return all kinds with descriptions."""
        return KINDS

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Fault:
        """Make a fault of plain data. ValueError for unknown keys or kinds."""
        unknown = set(data) - {entry.name for entry in fields(cls)}
        if unknown or "kind" not in data:
            raise ValueError(f"a fault is an object with 'kind' and no {sorted(unknown)}")
        return cls(**data)


_READS_BY_POST = re.compile(r"/domain-types/(host|service)/collections/all$|/collections/services$")


class FaultScript:
    """The faults of a site, in their order. A request gets the first one that matches it."""

    def __init__(self, faults: Iterable[Union[Fault, Mapping[str, Any]]] = (), seed: int = 0) -> None:
        self._lock = threading.Lock()
        self._random = random.Random(seed)
        self._faults: list[Fault] = []  # each with its remaining ``skip`` and ``times``
        self._failing_hosts: list[re.Pattern[str]] = []
        self.lasting: list[Fault] = []
        self.matched: dict[str, int] = {}
        self.set(faults)

    def set(self, faults: Iterable[Union[Fault, Mapping[str, Any]]]) -> Sequence[Fault]:
        """Replace all faults; return the lasting ones, which start at once instead of matching requests."""
        parsed = [fault if isinstance(fault, Fault) else Fault.of(fault) for fault in faults]
        with self._lock:
            self._failing_hosts = [re.compile(fault.hosts) for fault in parsed if fault.kind == "fail_host"]
            self._faults = [fault for fault in parsed if fault.kind not in (*_LASTING, "fail_host")]
            self.lasting = [fault for fault in parsed if fault.kind in _LASTING]
        return self.lasting

    def match(self, method: str, path: str) -> Optional[Fault]:
        """Return the fault for a request, or None, and count it."""
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
        """Return the faults that are left for requests, as plain data."""
        with self._lock:
            return [dataclasses.asdict(fault) for fault in self._faults]
