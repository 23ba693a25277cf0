"""``/control``: steering a simulated site from other processes and languages."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Callable, Mapping

from werkzeug.wrappers import Request, Response

if TYPE_CHECKING:
    from .site import SimulatedSite

__all__ = ["Control"]

_LOCAL = frozenset({"127.0.0.1", "localhost", "[::1]"})


class Control:
    """Loopback only; a foreign Host or Origin is refused, so that no web page can reach it through a browser."""

    def __init__(self, site: SimulatedSite) -> None:
        self._site = site
        self._actions: Mapping[tuple[str, str], Callable[[Any], Any]] = {
            ("POST", "/control/reset"): self._reset,
            ("POST", "/control/monitoring"): self._monitoring,
            ("POST", "/control/faults"): self._faults,
            ("GET", "/control/state"): lambda _data: self._site.counts(),
        }

    def __call__(self, request: Request) -> Response:
        host = request.host.rpartition(":")[0] if request.host.rpartition(":")[2].isdigit() else request.host
        if host not in _LOCAL or not (request.remote_addr or "").startswith(("127.", "::1")):
            return _answer({"error": "only programs on this machine may use /control"}, 403)
        if "Origin" in request.headers:
            return _answer({"error": "/control is not for web pages"}, 403)
        action = self._actions.get((request.method, request.path))
        if action is None:
            return _answer({"error": f"there is {', '.join(f'{m} {p}' for m, p in self._actions)}"}, 404)
        try:
            data = json.loads(request.get_data() or b"null")
            return _answer(action(data) or {"ok": True}, 200)
        except (ValueError, TypeError, KeyError) as error:
            return _answer({"error": f"{type(error).__name__}: {error}"}, 400)

    def _reset(self, _data: Any) -> None:
        self._site.reset()

    def _monitoring(self, data: Any) -> None:
        if not isinstance(data, dict):
            raise ValueError('an object of tables is needed: {"hosts": [...], "services": [...]}')
        self._site.seed_monitoring(data)

    def _faults(self, data: Any) -> None:
        faults = data.get("faults") if isinstance(data, dict) else data
        if not isinstance(faults, list):
            raise ValueError('a list of faults is needed, each with a "kind"')
        self._site.set_faults(faults)


def _answer(data: Any, status: int) -> Response:
    return Response(json.dumps(data), status, content_type="application/json")
