"""Operations of pending changes and their activation."""

from __future__ import annotations

from ..core.call import CallKind, ExpectedReply
from .operation import Operation

_RUNS = "/domain-types/activation_run"

ROWS = (
    Operation("activation", "pending", "GET", f"{_RUNS}/collections/pending_changes", CallKind.POLL),
    Operation("activation", "running", "GET", f"{_RUNS}/collections/running", CallKind.POLL),
    Operation("activation", "get", "GET", "/objects/activation_run/{run}", CallKind.POLL),
    Operation(
        "activation",
        "start",
        "POST",
        f"{_RUNS}/actions/activate-changes/invoke",
        CallKind.BULK,
        body=("redirect", "sites", "force_foreign_changes"),
        if_match=True,
        etag_from="pending",
        touches=("host_status", "services"),
        expected=(ExpectedReply(200, "activation_run"),),
    ),
)
