"""The translator's pages: playground, chat tester, test bench and live monitor.

Each page shows itself on GET; what its script asks for comes by POST, with the CSRF token, as JSON.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.http import HttpRequest, JsonResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from pydantic import ValidationError

from billing.models import ApiKey, RequestLog
from billing.usage import request_logs
from billing.usage.queries import recent_requests
from combos.queries import combo_names
from gateway import snapshot as snapshots
from gateway.admin.translator_asks import BenchIn, CellIn, ChatIn, bench_events, chat_events
from gateway.api.translator_shapes import SaveIn, TranslateIn, keep, kept, shown, translated
from gateway.records.live import TRANSLATIONS_PATH, TRANSLATIONS_ROWS
from gateway.translator import samples
from gateway.translator.bench import simulated
from gateway.translator.formats import KINDS, NAMES, SOURCES, TARGETS, label_of
from gateway.translator.models import TranslatorSample
from gateway.translator.reading import BrokenBody, pretty
from gateway.wire import FORMATS
from gateway.wire import json as wire_json
from omniroute.audit import only_asked
from omniroute.errors import ClientError, GatewayError, InvalidRequest, RequestTooLarge
from omniroute.pages import page
from omniroute.types import JSONDict
from providers.choices import model_ids
from providers.config import load_specs

USE, SEND = "gateway.use_translator", "gateway.send_through_translator"
WATCH = "billing.view_usagerecord"
PICKED = 30
"""Recent requests that are offered."""
LINES = "application/x-ndjson"
Answering = Callable[[HttpRequest, JSONDict], HttpResponseBase]


def answered(request: HttpRequest, answer: Answering) -> HttpResponseBase:
    """What `answer` makes of the JSON that a script sent; a refusal in words."""
    try:
        try:
            value = json.loads(request.body)
        except RequestDataTooBig:
            raise RequestTooLarge("The body is too large") from None
        except (ValueError, RecursionError):
            raise InvalidRequest("The page sent no JSON") from None
        if not isinstance(value, dict):
            raise InvalidRequest("The page sent no JSON object")
        return answer(request, value)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"] if isinstance(part, str))
        return _refused(InvalidRequest(f"{field}: {first['msg']}", param=field))
    except GatewayError as error:
        return _refused(error)


def _refused(error: GatewayError) -> JsonResponse:
    told: JSONDict = {"message": error.message, "field": error.param or ""}
    if isinstance(error, BrokenBody):
        told |= {"line": error.line, "column": error.column}
    return JsonResponse({"error": told}, status=error.status if isinstance(error, ClientError) else 400)


def posting(answer: Answering) -> Callable[[Callable[[HttpRequest], JSONDict]], Callable[..., Any]]:
    """A page whose script is answered by `answer`."""

    def wrap(view: Callable[[HttpRequest], JSONDict]) -> Callable[..., Any]:
        @wraps(view)
        def both(request: HttpRequest) -> JSONDict | HttpResponseBase:
            return (
                answered(request, answer)
                if request.method == "POST"
                else {**_common(request), **view(request)}
            )

        return both

    return wrap


def _common(request: HttpRequest) -> JSONDict:
    return {
        "formats": {name: label_of(name) for name in NAMES},
        "page": {"url": request.path},
    }


def _play(request: HttpRequest, value: JSONDict) -> HttpResponseBase:
    action = value.pop("action", "translate")
    if action == "save":
        if not request.user.has_perm("gateway.add_translatorsample"):
            raise PermissionDenied
        return JsonResponse({"name": keep(SaveIn.model_validate(value))})
    if action == "load":
        return only_asked(JsonResponse(kept(str(value.get("name"))).model_dump(by_alias=True)))
    done = shown(translated(TranslateIn.model_validate(value)))
    return only_asked(JsonResponse(done.model_dump(by_alias=True)))


@page("translator", title="Playground", section="", permission=USE)
@posting(_play)
def playground(request: HttpRequest) -> JSONDict:
    """`?request=` begins with what a logged request's client sent."""
    may_look = request.user.has_perm(WATCH)
    offered = samples.all_samples()
    return {
        "kinds": KINDS,
        "suggestions": _models(),
        "recent": _logged() if may_look else [],
        "saved": list(TranslatorSample.objects.values_list("name", flat=True)),
        "may_save": request.user.has_perm("gateway.add_translatorsample"),
        "play": {
            "sources": SOURCES,
            "targets": TARGETS,
            "samples": [
                {
                    "name": each.name,
                    "kind": each.kind,
                    "format": each.format,
                    "text": each.text,
                    "status": each.status,
                }
                for each in offered
            ],
            "given": _given(request.GET.get("request", "")) if may_look else None,
        },
    }


def _logged() -> list[JSONDict]:
    """Recent requests whose bodies are kept."""
    rows = list(recent_requests(200))
    ids = [row.request_id for row in rows]
    known = set(RequestLog.objects.filter(request_id__in=ids).values_list("request_id", flat=True))
    known |= {each for each in ids if each not in known and request_logs.is_on_disk(each)}
    return [
        {
            "id": row.request_id,
            "at": row.created_at,
            "model": row.requested_model,
            "format": row.client_format,
        }
        for row in rows
        if row.request_id in known and row.client_format in NAMES
    ][:PICKED]


def _given(request_id: str) -> JSONDict | None:
    """What a logged request's client sent; None for no such request."""
    if not request_id or (log := request_logs.load(request_id[:40])) is None:
        return None
    body = log.get("request", {}).get("body")
    if isinstance(body, dict) and body.get("_truncated") is True:
        return {
            "text": str(body.get("_preview", "")),
            "note": "The log has only the beginning of this request.",
        }
    text = body if isinstance(body, str) else pretty(wire_json.dumps(body))
    return {"text": text, "note": "From the request log: secrets and images are blanked there."}


def _chat(request: HttpRequest, value: JSONDict) -> HttpResponseBase:
    events = chat_events(ChatIn.model_validate(value), request.META.get("REMOTE_ADDR", ""))
    return StreamingHttpResponse(events, content_type=LINES)


@page("translator/chat", title="Chat Tester", section="Translator", permission=SEND)
@posting(_chat)
def chat_tester(request: HttpRequest) -> JSONDict:
    return {
        "clients": {name: label_of(name) for name in FORMATS},
        "suggestions": _models(),
        "keys": ApiKey.objects.filter(is_active=True).order_by("name").values_list("pk", "name"),
        "accounts": _accounts(),
    }


def _bench(request: HttpRequest, value: JSONDict) -> HttpResponseBase:
    action = value.pop("action", "run")
    if action == "real":
        if not request.user.has_perm(SEND):
            raise PermissionDenied
        events = bench_events(BenchIn.model_validate(value), request.META.get("REMOTE_ADDR", ""))
        return StreamingHttpResponse(events, content_type=LINES)
    if action == "cell":
        one = CellIn.model_validate(value)
        cell = simulated.run_cell(snapshots.refresh(), one.case, one.client, one.provider, one.stream)
        texts = {"sent": pretty(cell.sent.encode()), "answer": pretty(cell.answer.encode())}
        return only_asked(JsonResponse({"problems": cell.problems, **texts}))
    squares = [
        {"case": each.case, "client": each.client, "provider": each.provider, "stream": each.stream}
        | {"passed": each.passed}
        for each in simulated.run(snapshots.refresh())
    ]
    return only_asked(JsonResponse({"cells": squares}))


@page("translator/bench", title="Test Bench", section="Translator", permission=USE)
@posting(_bench)
def test_bench(request: HttpRequest) -> JSONDict:
    return {
        "clients": {name: label_of(name) for name in FORMATS},
        "cases": samples.FEATURES,
        "suggestions": _models(),
        "accounts": _accounts(),
        "may_send": request.user.has_perm(SEND),
        "bench": {
            "cases": simulated.CASES,
            "formats": {name: label_of(name) for name in FORMATS},
        },
    }


def _watch(request: HttpRequest, value: JSONDict) -> HttpResponseBase:
    raise InvalidRequest("This page takes nothing")


@page("translator/monitor", title="Live Monitor", section="Translator", permission=WATCH)
@posting(_watch)
def live_monitor(request: HttpRequest) -> JSONDict:
    return {
        "requests": recent_requests(TRANSLATIONS_ROWS),
        "live_path": TRANSLATIONS_PATH,
        "rows": TRANSLATIONS_ROWS,
    }


def _models() -> list[str]:
    return [*combo_names(), *model_ids(load_specs(), ("chat",))]


def _accounts() -> list[tuple[int, str]]:
    """Of providers in use, as `prefix · name`."""
    providers = snapshots.refresh().providers
    return [
        (account.id, f"{providers.specs[provider].shown_prefix} · {account.name}")
        for provider, accounts in sorted(providers.accounts.items())
        for account in accounts
        if account.id and provider in providers.specs
    ]
