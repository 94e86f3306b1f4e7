"""The one shape of the management API's errors: {"error": {"message", "type", "code", "field"?}}."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable
from math import ceil
from typing import Any

from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.core.exceptions import ValidationError as ModelError
from django.db import IntegrityError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.views import defaults
from django.views.decorators.csrf import csrf_exempt
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError
from ninja.parser import Parser
from pydantic.alias_generators import to_camel

from omniroute.errors import GatewayError, InvalidRequest

logger = logging.getLogger(__name__)

_TYPES = {
    400: "validation_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    405: "method_not_allowed",
    409: "conflict",
    413: "request_too_large",
    429: "rate_limit_error",
}
_CODES = {400: "invalid_request", 401: "unauthorized", 403: "permission_denied", 404: "not_found"}


def error_response(status: int, message: str, *, code: str = "", field: str = "") -> JsonResponse:
    kind = _TYPES.get(status, "api_error" if status >= 500 else "invalid_request_error")
    error = {"message": message, "type": kind, "code": code or _CODES.get(status, kind)}
    return JsonResponse({"error": {**error, "field": field} if field else error}, status=status)


class StrictParser(Parser):
    """JSON whose every text and number a database can hold: no NUL, no lone surrogate, no Infinity."""

    def parse_body(self, request: HttpRequest) -> dict[str, Any]:
        try:
            value = json.loads(request.body, parse_constant=_refuse, parse_float=_finite)
            _check_text(value)
        except RecursionError:
            raise InvalidRequest("The JSON is nested too deeply") from None
        except ValueError as error:  # also UnicodeDecodeError, and integers of thousands of digits
            raise InvalidRequest(f"The body is not valid JSON: {error}") from None
        return value  # type: ignore[no-any-return]


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise ValueError("a number is out of range")
    return value


def _check_text(value: Any) -> None:
    if isinstance(value, str):
        if "\x00" in value:
            raise ValueError("text cannot hold a NUL character")
        if any("\ud800" <= character <= "\udfff" for character in value):
            raise ValueError("text cannot hold half of a surrogate pair")
    elif isinstance(value, dict):
        for name, item in value.items():
            _check_text(name)
            _check_text(item)
    elif isinstance(value, list):
        for item in value:
            _check_text(item)


def _gateway_error(request: HttpRequest, error: GatewayError) -> HttpResponse:
    response = error_response(error.status, error.message, code=error.code, field=error.param or "")
    if error.retry_after is not None:
        response["Retry-After"] = str(ceil(error.retry_after))
    return response


_PLAINLY = {
    "missing": "this field is required",
    "extra_forbidden": "there is no such field",
    "model_type": "expected a JSON object",  # its own words name a class
    "dict_type": "expected a JSON object",
}
_SUBJECT = re.compile(r"^(Value error, |\w+ should )")


def _schema_error(request: HttpRequest, error: ValidationError) -> HttpResponse:
    """Where a value may have several shapes there is an error for each: what is deepest in the body was meant."""
    in_body = any(each["loc"][0] == "body" for each in error.errors)
    body = json.loads(request.body or b"null") if in_body else None
    places = [_place(body, each) for each in error.errors]
    depth = len(places[0])
    alike = [index for index, place in enumerate(places) if place[:depth] == places[0]]
    chosen = max(alike, key=lambda index: len(places[index]))
    field, told = ".".join(places[chosen]), error.errors[chosen]
    message = _PLAINLY.get(told["type"]) or _SUBJECT.sub(_verb, told["msg"])
    return error_response(400, f"{field}: {message}" if field else message, field=field)


def _place(value: Any, error: dict[str, Any]) -> list[str]:
    """Where in the body or the query it is, without the names of types that pydantic puts between."""
    source, *where = error["loc"]
    if source != "body":
        return [str(part) for part in where]
    place = []
    lacked = where[1:][-1:] if error["type"] == "missing" else []
    for part in where[1:]:  # behind the parameter's name
        if (isinstance(value, dict) and part in value) or (isinstance(value, list) and isinstance(part, int)):
            value = value[part]
            place.append(str(part))
    return place + lacked


def _verb(found: re.Match[str]) -> str:
    return "must " if found[0].endswith("should ") else ""


def _model_error(request: HttpRequest, error: ModelError) -> HttpResponse:
    if not hasattr(error, "error_dict"):
        return error_response(400, " ".join(error.messages))
    name, messages = next(iter(error.message_dict.items()))
    field = "" if name == "__all__" else to_camel(name)
    return error_response(400, f"{field}: {messages[0]}" if field else messages[0], field=field)


def _http_error(request: HttpRequest, error: HttpError) -> HttpResponse:
    if isinstance(error.__cause__, GatewayError):
        return _gateway_error(request, error.__cause__)
    return error_response(error.status_code, error.message)


def _unauthenticated(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
    response = error_response(401, "Log in, or send an API key of scope 'manage' as Authorization: Bearer")
    response["WWW-Authenticate"] = "Bearer"
    return response


def _unexpected(request: HttpRequest, error: Exception) -> HttpResponse:
    logger.exception("Management API: %s %s failed", request.method, request.path)
    return error_response(500, "An unexpected error occurred; the server's log has the details")


def install(api: NinjaAPI) -> None:
    """Give the API a handler for everything that may be raised."""
    handlers: dict[type[Exception], Callable[[HttpRequest, Any], HttpResponse]] = {
        GatewayError: _gateway_error,
        ValidationError: _schema_error,
        ModelError: _model_error,
        AuthenticationError: _unauthenticated,
        HttpError: _http_error,
        Http404: lambda request, error: not_found(request),
        RequestDataTooBig: lambda request, error: error_response(413, "The body is too large"),
        SuspiciousOperation: lambda request, error: error_response(400, "The request is malformed"),
        IntegrityError: lambda request, error: error_response(409, "Another change came first; try again"),
        OperationalError: _database_busy,
        Exception: _unexpected,
    }
    for kind, handler in handlers.items():
        api.add_exception_handler(kind, handler)


def _database_busy(request: HttpRequest, error: OperationalError) -> HttpResponse:
    logger.exception("Management API: %s %s: the database refused", request.method, request.path)
    response = error_response(
        503, "The database is busy or unreachable; try again", code="database_unavailable"
    )
    response["Retry-After"] = "2"
    return response


@csrf_exempt
def not_found(request: HttpRequest, *args: Any, **kwargs: Any) -> JsonResponse:
    return error_response(404, f"There is no {request.path}; see /api/docs")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler of what it refuses before any view, such as a foreign Host header."""
    if request.path_info.startswith("/api/"):
        return error_response(400, "The request is malformed, or its Host is not one of ALLOWED_HOSTS")
    return defaults.bad_request(request, exception)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler of paths that nothing serves: a page for browsers, JSON for a client whose address is wrong."""
    if "text/html" in request.headers.get("accept", ""):
        return defaults.page_not_found(request, exception)
    where = "Clients use /v1 (or /v1beta for Gemini); the management API is described at /api/docs"
    return error_response(404, f"There is no {request.path[:200]} here. {where}")


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's handler of exceptions outside of any view."""
    if request.path_info.startswith("/api/"):
        return error_response(500, "An unexpected error occurred; the server's log has the details")
    return defaults.server_error(request)


def json_not_allowed(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Put ninja's plain-text 405 into words like every other error."""

    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        method = request.method
        if method == "HEAD":
            request.method = "GET"  # the server leaves the body out
        response = view(request, *args, **kwargs)
        if not isinstance(response, HttpResponseNotAllowed):
            return response
        allowed = response["Allow"]
        answer = error_response(405, f"{request.path} takes {allowed}, not {method}")
        answer["Allow"] = allowed
        return answer

    wrapped.csrf_exempt = True  # type: ignore[attr-defined]
    return wrapped
