"""``/control``, through which other processes and languages control a simulated site."""

from __future__ import annotations

import json
from typing import Any, Callable, Iterable, Mapping

from werkzeug.wrappers import Request, Response

_LOCAL = frozenset({"127.0.0.1", "localhost", "[::1]"})


class Control:
    """WSGI middleware that handles ``/control/…`` and passes all other requests to the application.

    It serves this machine only. It also refuses a foreign Host or Origin, so that no web page can use it through a
    browser.
    """

    def __init__(
        self,
        app: Callable[[dict[str, Any], Any], Iterable[bytes]],
        reset: Callable[[], None],
        seed_monitoring: Callable[[Mapping[str, Any]], None],
        set_faults: Callable[[list[Any]], None],
        counts: Callable[[], Mapping[str, Any]],
    ) -> None:
        self._app, self._set_faults = app, set_faults
        self._actions: Mapping[tuple[str, str], Callable[[Any], Any]] = {
            ("POST", "/control/reset"): lambda _data: reset(),
            ("POST", "/control/monitoring"): seed_monitoring,
            ("POST", "/control/faults"): self._faults,
            ("GET", "/control/state"): lambda _data: counts(),
        }

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        request = Request(environ)
        if not request.path.startswith("/control/"):
            return self._app(environ, start_response)
        data, status = self._answer(request)
        return Response(json.dumps(data), status, content_type="application/json")(environ, start_response)

    def _answer(self, request: Request) -> tuple[Any, int]:
        host, _, port = request.host.rpartition(":")
        if (host if port.isdigit() else request.host) not in _LOCAL or not (request.remote_addr or "").startswith(
            ("127.", "::1")
        ):
            return {"error": "only programs on this machine may use /control"}, 403
        if "Origin" in request.headers:
            return {"error": "/control must not be used by web pages"}, 403
        action = self._actions.get((request.method, request.path))
        if action is None:
            known = ", ".join(f"{method} {path}" for method, path in self._actions)
            return {"error": f"unknown request; use one of {known}"}, 404
        try:
            data = json.loads(request.get_data() or b"null")
            return action(data) or {"ok": True}, 200
        except (ValueError, TypeError, KeyError) as error:
            return {"error": f"{type(error).__name__}: {error}"}, 400

    def _faults(self, data: Any) -> None:
        faults = data.get("faults") if isinstance(data, dict) else data
        if not isinstance(faults, list):
            raise ValueError('the faults must be a list of objects, each with a "kind"')
        self._set_faults(faults)
