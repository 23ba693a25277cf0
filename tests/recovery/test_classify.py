"""Each failure has one class. A write that may have happened is never RETRYABLE."""

from __future__ import annotations

import pytest
import requests

from checkmk_sync import Checkmk
from checkmk_sync.errors import (
    AuthError,
    BadRequestError,
    CircuitOpenError,
    ConnectError,
    ReadTimeoutError,
    ServerError,
    ThrottledError,
    TransportError,
)
from checkmk_sync.recovery import ErrorClass, classify_error
from checkmk_sync.testing import SimulatedSite


def of_requests(status: int) -> requests.HTTPError:
    response = requests.Response()
    response.status_code = status
    return requests.HTTPError(response=response)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ThrottledError(429, "Too Many Requests"), ErrorClass.RETRYABLE),
        (TimeoutError(), ErrorClass.RETRYABLE),
        (ConnectionResetError(), ErrorClass.RETRYABLE),
        (requests.ReadTimeout(), ErrorClass.RETRYABLE),
        (requests.ConnectionError(), ErrorClass.RETRYABLE),
        (of_requests(503), ErrorClass.RETRYABLE),
        (of_requests(401), ErrorClass.PERMANENT),
        (requests.exceptions.InvalidURL(), ErrorClass.PERMANENT),
        (AuthError(401, "Unauthorized"), ErrorClass.PERMANENT),
        (BadRequestError(400, "Bad Request"), ErrorClass.PERMANENT),
        (ServerError(500, "Internal Server Error"), ErrorClass.PERMANENT),
        (ValueError(), ErrorClass.PERMANENT),
        (KeyboardInterrupt(), ErrorClass.PERMANENT),
        (CircuitOpenError("open"), ErrorClass.CIRCUIT_BREAKING),
        (ConnectError("refused", sent=False), ErrorClass.CIRCUIT_BREAKING),
        (ConnectionRefusedError(), ErrorClass.CIRCUIT_BREAKING),
        (ReadTimeoutError("of a write whose fate is unknown"), ErrorClass.PERMANENT),
        (ReadTimeoutError("never sent", sent=False), ErrorClass.RETRYABLE),
    ],
    ids=lambda value: getattr(value, "value", None) or f"{type(value).__name__}-{value}",
)
def test_every_failure_has_a_class(error: BaseException, kind: ErrorClass) -> None:
    assert classify_error(error) is kind


@pytest.mark.parametrize("status", [502, 503, 504])
def test_gateway_errors_are_retryable_for_reads_only(status: int) -> None:
    with SimulatedSite(hosts=1) as site:
        options = {"recovery": {"retry": {"max_retries": 0}}, "timeouts": {"settle_s": 0}}
        with Checkmk(site.url, site.site, site.username, site.password, **options) as client:
            client.version()
            site.set_faults([{"kind": "status", "status": status, "times": 2}])
            with pytest.raises(TransportError) as read:
                list(client.host_status.each())
            with pytest.raises(TransportError) as write:
                client.folders.create_absent("/new")
    assert classify_error(read.value) is ErrorClass.RETRYABLE
    assert classify_error(write.value) is ErrorClass.PERMANENT
