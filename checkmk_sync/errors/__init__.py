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

from typing import TYPE_CHECKING

from .base import Attempted as Attempted
from .base import CheckmkError as CheckmkError
from .base import Delivery as Delivery
from .base import MissingExtraError as MissingExtraError
from .base import SettingsError as SettingsError
from .calls import ApiError as ApiError
from .calls import AuthError as AuthError
from .calls import BadRequestError as BadRequestError
from .calls import BrokenReplyError as BrokenReplyError
from .calls import CircuitOpenError as CircuitOpenError
from .calls import ConflictError as ConflictError
from .calls import ConnectError as ConnectError
from .calls import DeadlineError as DeadlineError
from .calls import ForbiddenError as ForbiddenError
from .calls import GatewayError as GatewayError
from .calls import LockedError as LockedError
from .calls import NotFoundError as NotFoundError
from .calls import PreconditionError as PreconditionError
from .calls import ReadTimeoutError as ReadTimeoutError
from .calls import ServerError as ServerError
from .calls import ThrottledError as ThrottledError
from .calls import TransportError as TransportError
from .calls import UnprocessableError as UnprocessableError
from .work import ActivationError as ActivationError
from .work import BatchError as BatchError
from .work import DiscoveryError as DiscoveryError
from .work import InventoryError as InventoryError
from .work import JobError as JobError
from .work import NotOwnedError as NotOwnedError
from .work import PlanChangedError as PlanChangedError
from .work import ReplyTooLargeError as ReplyTooLargeError
from .work import SyncError as SyncError
from .work import UnexpectedReplyError as UnexpectedReplyError
from .work import UnfinishedError as UnfinishedError
from .work import UnsafePlanError as UnsafePlanError
from .work import WaitTimeoutError as WaitTimeoutError
from .work import WorkerError as WorkerError

if not TYPE_CHECKING:  # type checkers read the imports
    __all__ = [name for name in dir() if name[0].isupper() and not name.isupper()]  # the classes and aliases
