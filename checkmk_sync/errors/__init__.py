"""The errors that this library raises.

::

    CheckmkError                      can be pickled; ``to_dict()`` contains no secrets: .attempted
    ├─ SettingsError                  a setting is wrong or missing: .file .line .field
    ├─ MissingExtraError              an optional package is not installed: .extra
    ├─ TransportError                 no usable response: .sent is False (never sent) or None (unknown)
    │  ├─ ConnectError                no connection could be made, so nothing was sent
    │  ├─ ReadTimeoutError            connected, but no response arrived in time
    │  ├─ BrokenReplyError            the connection or the response ended early
    │  ├─ CircuitOpenError            not sent, because the site failed too often: .retry_at
    │  ├─ DeadlineError               the call exceeded its total time limit
    │  └─ GatewayError                a web server in front of the site sent a 5xx
    ├─ ApiError                       the site refused the call: .status .title .detail .fields .ext
    │  ├─ BadRequestError 400   AuthError 401   ForbiddenError 403   NotFoundError 404
    │  ├─ ConflictError 409   PreconditionError 412, 428   UnprocessableError 422
    │  └─ LockedError 423   ThrottledError 429   ServerError 500
    ├─ UnexpectedReplyError           the response is not defined by the API
    ├─ ReplyTooLargeError             the response is larger than the limit: .limit_bytes
    ├─ WaitTimeoutError               a job or an activation did not end in time
    ├─ BatchError                     a batch stopped early or partly failed: .outcomes
    ├─ UnfinishedError                an item of a batch has no result: .started is False or None (unknown)
    ├─ WorkerError                    an error of another process that could not be pickled: .kind
    ├─ ActivationError                changes stayed pending, or unapproved ones are active: .status_per_site .pending
    ├─ DiscoveryError                 a scan for services failed: .state
    ├─ JobError                       another background job failed, such as a rename: .state
    └─ SyncError                      a synchronisation was refused
       ├─ InventoryError              the inventory contains mistakes: .problems
       ├─ UnsafePlanError             the plan changes or deletes more than the limits allow
       ├─ PlanChangedError            the changes differ from the reviewed ones
       └─ NotOwnedError               the plan would change objects that it must not change
"""

from __future__ import annotations

from .base import Attempted, CheckmkError, Delivery, MissingExtraError, SettingsError
from .calls import (
    ApiError,
    AuthError,
    BadRequestError,
    BrokenReplyError,
    CircuitOpenError,
    ConflictError,
    ConnectError,
    DeadlineError,
    ForbiddenError,
    GatewayError,
    LockedError,
    NotFoundError,
    PreconditionError,
    ReadTimeoutError,
    ServerError,
    ThrottledError,
    TransportError,
    UnprocessableError,
)
from .work import (
    ActivationError,
    BatchError,
    DiscoveryError,
    InventoryError,
    JobError,
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
    "JobError",
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
