"""Errors can be pickled with their cause and their facts, and describe the failure in one sentence."""

from __future__ import annotations

import pickle
import threading
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import pytest

from checkmk_sync import errors
from checkmk_sync.client.outcomes import Outcome, Outcomes, Status

SAMPLES: list[errors.CheckmkError] = [
    errors.CheckmkError("something"),
    errors.SettingsError("missing", file="a.yaml", line=3, field="site"),
    errors.MissingExtraError("the simulated site", "simulator"),
    errors.TransportError(
        "gone", call="GET /x", attempted=errors.Attempted(errors.Delivery.UNKNOWN, is_read=True, attempts=2)
    ),
    errors.ConnectError("refused", call="GET /x", sent=False),
    errors.ReadTimeoutError("late"),
    errors.BrokenReplyError("cut"),
    errors.CircuitOpenError("open", call="GET /x", retry_at=12.5),
    errors.DeadlineError("over", sent=False),
    errors.GatewayError("504", status=504, retry_after_s=3.0),
    errors.UnexpectedReplyError("HTML", call="GET /x"),
    errors.ReplyTooLargeError("larger", limit_bytes=7, call="GET /x"),
    errors.WaitTimeoutError("no end", waited_s=4.0),
    errors.BatchError("stopped", outcomes=Outcomes([Outcome("web01", Status.UNKNOWN, errors.ReadTimeoutError("x"))])),
    errors.UnfinishedError("the worker was lost", started=False),
    errors.WorkerError("does not pickle", kind="OddError"),
    errors.ActivationError("failed", status_per_site={"s": "no"}, pending=2),
    errors.DiscoveryError("failed", state="exception"),
    errors.JobError("failed", state="exception"),
    errors.InventoryError(["a.yaml:3: wrong", "a.yaml:4: wrong"]),
    errors.UnsafePlanError("too much"),
    errors.PlanChangedError("changed"),
    errors.NotOwnedError("not ours"),
    errors.SyncError("no"),
]
API = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, errors.ApiError) and kind is not errors.ThrottledError
]
SAMPLES += [kind(400, "Bad", "why", fields={"a.0": ["x"]}, ext={"y": 1}, call="GET /x") for kind in API]
SAMPLES.append(errors.ThrottledError(429, "Slow", "down", retry_after_s=2.0))


@pytest.mark.parametrize("error", SAMPLES, ids=lambda error: type(error).__name__)
def test_an_error_pickles_with_all_its_facts(error: errors.CheckmkError) -> None:
    error.__cause__ = OSError(111, "refused")
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert str(again) == str(error)
    facts, before = again.to_dict(), error.to_dict()
    assert facts == before
    assert again.args == error.args
    assert isinstance(again.__cause__, OSError)


def test_every_class_has_a_sample() -> None:
    kinds = {kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.CheckmkError)}
    assert {type(error) for error in SAMPLES} == kinds


def test_a_cause_that_cannot_be_pickled_is_replaced_by_its_text() -> None:
    class Holder(Exception):
        def __init__(self) -> None:
            super().__init__("holds a lock")
            self.lock = threading.Lock()

    error = errors.BrokenReplyError("cut")
    error.__cause__ = Holder()
    again = pickle.loads(pickle.dumps(error))
    assert "holds a lock" in str(again.__cause__)


def _fail() -> Any:
    raise errors.NotFoundError(404, "Not Found", call="GET /objects/host_config/x")


def test_an_error_of_a_worker_process_reaches_the_caller() -> None:
    """An exception that cannot be unpickled would break the process pool permanently."""
    with ProcessPoolExecutor(1) as pool:
        with pytest.raises(errors.NotFoundError, match="GET /objects/host_config/x"):
            pool.submit(_fail).result()
        assert pool.submit(int, "7").result() == 7


def test_the_message_names_call_and_fields() -> None:
    error = errors.BadRequestError(
        400, "Bad Request", "These fields have problems: x", fields={"entries.0.host_name": ["taken"]}, call="POST /y"
    )
    assert str(error) == "400 Bad Request: entries.0.host_name: taken (POST /y)"


def test_plain_data_does_not_contain_the_request() -> None:
    assert "ext" not in errors.ServerError(500, "x", ext={"request_info": {"password": "p"}}).to_dict()


def test_settings_errors_start_with_file_and_line() -> None:
    assert str(errors.SettingsError("x", file="c.yaml", line=2)) == "c.yaml:2: x"
    assert str(errors.SettingsError("x", file="c.yaml")) == "c.yaml: x"
    assert str(errors.SettingsError("x")) == "x"


def test_a_new_message_of_a_copy_cannot_forge_a_line() -> None:
    error = errors.CheckmkError("a\x1b", "b")
    assert str(error.with_attempted("x\nFORGED\x1b")) == r"x\nFORGED\x1b"
    assert str(error.with_attempted(attempts=2)) == "a\\x1b\nb"


class _Stubborn(Exception):
    def __reduce__(self) -> Any:
        raise NotImplementedError("no")


@pytest.mark.parametrize("cause", [_Stubborn("said"), KeyError(threading.Lock())])
def test_an_unpicklable_cause_does_not_break_pickling(cause: Exception) -> None:
    try:
        raise errors.BatchError("stopped", outcomes=[]) from cause
    except errors.BatchError as error:
        copy = pickle.loads(pickle.dumps(error))
    assert str(copy) == "stopped"
    assert type(cause).__name__ in str(copy.__cause__)
