"""Every exception that the gateway raises on purpose.

GatewayError                        status, code, message; shown to the client in its own format
├── ClientError                     the client's request cannot be served as it stands
│   ├── InvalidRequest          400 ── AmbiguousModel, Untranslatable
│   ├── Unauthorized            401
│   ├── Forbidden               403
│   ├── NotFound                404 ── ModelNotFound
│   ├── MethodNotAllowed        405
│   ├── RequestTooLarge         413
│   └── BudgetExceeded          429
├── NoTargetAvailable           503 every target is disabled, cooling or without an account
└── UpstreamError                   one attempt failed; the attempt loop decides what comes next
    ├── UpstreamRefused             a status of 400 or more, or an error body under a 200
    ├── AccountBusy             429 the gateway's own limit for the account; nothing was sent
    ├── UpstreamUnreachable     502 DNS, TLS, refused or reset connection
    ├── UpstreamTimeout         504 no connection, no first event, or a stall
    └── UpstreamBroken          502 an empty, cut or undecodable answer

Raised near the cause, caught in two places: the attempt loop (`UpstreamError`) and the view wrapper, which
asks the client's wire format to put the error into words.
"""

from __future__ import annotations

from collections.abc import Mapping


class GatewayError(Exception):
    """An error with a status and a stable code. `message` is safe to show: it never holds a secret."""

    status = 500
    code = "internal_error"

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        code: str | None = None,
        param: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status if status is not None else self.status
        self.code = code if code is not None else self.code
        self.param = param
        self.retry_after = retry_after
        """Seconds until a new try makes sense, or None where nobody knows."""
        self.request_id: str | None = None
        """Of the client's request, once the error is about to be told."""


class ClientError(GatewayError):
    status = 400
    code = "invalid_request"


class InvalidRequest(ClientError):
    pass


class AmbiguousModel(InvalidRequest):
    """A bare model name that several providers serve."""

    code = "ambiguous_model"

    def __init__(self, message: str, candidates: tuple[str, ...]) -> None:
        super().__init__(message, param="model")
        self.candidates = candidates
        """Ids of these providers."""


class Untranslatable(InvalidRequest):
    """What the provider of one target cannot be asked. Another one's may know what it means."""


class Unauthorized(ClientError):
    status = 401
    code = "invalid_api_key"


class Forbidden(ClientError):
    status = 403
    code = "permission_denied"


class NotFound(ClientError):
    status = 404
    code = "not_found"


class ModelNotFound(NotFound):
    code = "model_not_found"


class MethodNotAllowed(ClientError):
    status = 405
    code = "method_not_allowed"


class RequestTooLarge(ClientError):
    status = 413
    code = "request_too_large"


class BudgetExceeded(ClientError):
    """`is_final`: what is left is nothing; else it is held by other requests, which may not need all of it."""

    status = 429
    code = "insufficient_quota"

    def __init__(self, message: str, *, retry_after: float | None, is_final: bool = True) -> None:
        super().__init__(message, retry_after=retry_after)
        self.is_final = is_final


class NoTargetAvailable(GatewayError):
    status = 503
    code = "no_target_available"


class UpstreamError(GatewayError):
    """One attempt failed before its first byte reached the client, or (in band) after it."""

    status = 502
    code = "upstream_error"
    verdict: object | None = None
    """What the provider's own rules say that it means (`resilience.classify.Verdict`), where they say anything."""


class UpstreamRefused(UpstreamError):
    """The upstream answered with an error. Its body is kept, so that a same-format client gets it verbatim."""

    code = "upstream_refused"

    def __init__(
        self,
        message: str,
        *,
        status: int,
        code: str | None = None,
        param: str | None = None,
        retry_after: float | None = None,
        body: bytes = b"",
        format: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message, status=status, code=code, param=param, retry_after=retry_after)
        self.body = body
        self.format = format
        self.headers = headers or {}


class AccountBusy(UpstreamError):
    status = 429
    code = "account_busy"


class UpstreamUnreachable(UpstreamError):
    code = "upstream_unreachable"


class UpstreamTimeout(UpstreamError):
    status = 504
    code = "upstream_timeout"


class UpstreamBroken(UpstreamError):
    code = "upstream_broken"
