"""Every error that this library raises.

::

    CheckmkError                      pickles, keeps its cause, ``to_dict()`` has no secret; .attempted
    ├─ SettingsError                  a wrong or missing setting: .file .line .field
    ├─ MissingExtraError              an optional package is needed: .extra
    ├─ TransportError                 no usable answer: .sent is False (never sent) or None (unknown)
    │  ├─ ConnectError                no connection, so nothing was sent
    │  ├─ ReadTimeoutError            connected, but no answer in time
    │  ├─ BrokenReplyError            the connection or the answer broke off
    │  ├─ CircuitOpenError            not tried: the site failed too often; .retry_at
    │  ├─ DeadlineError               the total time for the call is over
    │  └─ GatewayError                a 5xx from a web server in front of the site
    ├─ ApiError                       the site answered no: .status .title .detail .fields .ext
    │  ├─ BadRequestError 400   AuthError 401   ForbiddenError 403   NotFoundError 404
    │  ├─ ConflictError 409   PreconditionError 412, 428   UnprocessableError 422
    │  └─ LockedError 423   ThrottledError 429   ServerError 500
    ├─ UnexpectedReplyError           an answer that the API does not define
    ├─ ReplyTooLargeError             an answer larger than the caller has room for: .limit_bytes
    ├─ WaitTimeoutError               a job or an activation did not end in time
    ├─ BatchError                     a batch stopped early: .outcomes
    ├─ UnfinishedError                an item of a batch was lost on the way: .started is False or None (unknown)
    ├─ WorkerError                    stands for an error of another process that does not pickle: .kind
    ├─ ActivationError                changes were not activated: .status_per_site .pending
    ├─ DiscoveryError                 a scan for services ended badly: .state
    └─ SyncError
       ├─ InventoryError              mistakes in the inventory: .problems
       ├─ UnsafePlanError             the plan changes more than is allowed
       ├─ PlanChangedError            not what was reviewed any more
       └─ NotOwnedError               the plan would touch what somebody else owns
"""

from __future__ import annotations

from .api import (
    ApiError,
    AuthError,
    BadRequestError,
    ConflictError,
    ForbiddenError,
    LockedError,
    NotFoundError,
    PreconditionError,
    ServerError,
    ThrottledError,
    UnprocessableError,
)
from .attempted import Attempted, Delivery
from .base import CheckmkError, MissingExtraError, SettingsError
from .transport import (
    BrokenReplyError,
    CircuitOpenError,
    ConnectError,
    DeadlineError,
    GatewayError,
    ReadTimeoutError,
    TransportError,
)
from .work import (
    ActivationError,
    BatchError,
    DiscoveryError,
    InventoryError,
    NotOwnedError,
    PlanChangedError,
    ReplyTooLargeError,
    SyncError,
    UnexpectedReplyError,
    UnfinishedError,
    UnsafePlanError,
    WaitTimeoutError,
    WorkerError,
)

__all__ = [
    "ActivationError",
    "ApiError",
    "Attempted",
    "AuthError",
    "BadRequestError",
    "BatchError",
    "BrokenReplyError",
    "CheckmkError",
    "CircuitOpenError",
    "ConflictError",
    "ConnectError",
    "DeadlineError",
    "Delivery",
    "DiscoveryError",
    "ForbiddenError",
    "GatewayError",
    "InventoryError",
    "LockedError",
    "MissingExtraError",
    "NotFoundError",
    "NotOwnedError",
    "PlanChangedError",
    "PreconditionError",
    "ReadTimeoutError",
    "ReplyTooLargeError",
    "ServerError",
    "SettingsError",
    "SyncError",
    "ThrottledError",
    "TransportError",
    "UnexpectedReplyError",
    "UnfinishedError",
    "UnprocessableError",
    "UnsafePlanError",
    "WaitTimeoutError",
    "WorkerError",
]
