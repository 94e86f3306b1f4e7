"""What the translator's chat tester and test bench send to models, and the lines of JSON that tell how it goes."""

from __future__ import annotations

import codecs
import json
from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal

from asgiref.sync import sync_to_async
from django.template.loader import render_to_string
from pydantic import Field

from billing.usage.finding import with_id
from gateway.edge.auth import Grant
from gateway.translator import composing, own_client, reading
from gateway.translator.bench import real
from gateway.translator.bench.simulated import CASES
from gateway.translator.composing import Message
from gateway.translator.own_client import Ask
from gateway.wire import FORMATS
from gateway.wire import json as wire_json
from omniroute.errors import InvalidRequest
from omniroute.schema import MAX_INTEGER, CamelModel, ModelName
from omniroute.types import JSONDict

MAX_MESSAGE = 200_000
"""Characters."""
Id = Annotated[int, Field(ge=0, le=MAX_INTEGER)]
Format = Literal["openai_chat", "openai_responses", "anthropic_messages", "gemini"]


class ChatIn(CamelModel):
    """`body`: the client's own words in place of the message."""

    format: Format = "openai_chat"
    model: ModelName
    text: Annotated[str, Field(max_length=MAX_MESSAGE)] = ""
    system: Annotated[str, Field(max_length=MAX_MESSAGE)] = ""
    stream: bool = True
    tools: bool = False
    body: str = ""
    key: Id = 0
    account: Id = 0


class BenchIn(CamelModel):
    model: ModelName
    formats: Annotated[list[Format], Field(min_length=1, max_length=len(FORMATS))]
    cases: Annotated[list[str], Field(min_length=1, max_length=len(real.CASES))]
    stream: bool = False
    account: Id = 0


class CellIn(CamelModel):
    case: str
    client: Format
    provider: Format
    stream: bool = False

    def model_post_init(self, context: Any) -> None:
        if self.case not in CASES:
            raise InvalidRequest("There is no such case", param="case")


def chat_events(asked: ChatIn, address: str) -> AsyncIterator[bytes]:
    """Raise `InvalidRequest` before anything is sent."""
    return _chat_lines(_ask(asked, address))


def _ask(asked: ChatIn, address: str) -> Ask:
    if asked.body:
        body = reading.object_of(reading.packed(asked.body))
        packed = composing.with_model(body, asked.format, asked.model, asked.stream)
    elif asked.text.strip():
        message = Message(asked.format, asked.model, asked.text, asked.system, asked.stream, asked.tools)
        packed = wire_json.dumps(composing.body_of(message))
    else:
        raise InvalidRequest("Write a message", param="text")
    grant = Grant(asked.key, asked.account)
    return composing.ask(packed, asked.format, asked.model, stream=asked.stream, grant=grant, address=address)


async def _chat_lines(ask: Ask) -> AsyncIterator[bytes]:
    path = f"{ask.path}?{ask.query}" if ask.query else ask.path
    yield _line("request", {"path": path, "body": reading.pretty(ask.body)})
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    async for happened in own_client.watch(ask):
        if happened.kind == "body":
            yield _line("body", decoder.decode(happened.value))
        elif happened.kind == "end":
            yield _line("end", await sync_to_async(_summary)(happened.value))
        elif happened.kind == "upstream":
            yield _line("upstream", _shown(happened.value))
        else:
            yield _line(happened.kind, happened.value)


def _shown(sent: JSONDict) -> JSONDict:
    request = sent["request"]
    return {
        "url": request["url"],
        "body": json.dumps(request["body"], indent=2, ensure_ascii=False),
        "dropped": sent.get("dropped", []),
    }


def _summary(exchange: JSONDict) -> JSONDict:
    """The exchange as HTML, and its figures."""
    row = next(iter(with_id(exchange["id"])), None) if exchange["id"] else None
    attempts = row.attempts if row else []
    html = render_to_string(
        "admin/gateway/translator/exchange.html", {"row": row, "attempts": attempts, "log": exchange}
    )
    return {"id": exchange["id"], "html": html}


def bench_events(asked: BenchIn, address: str) -> AsyncIterator[bytes]:
    """Raise `InvalidRequest` before anything is sent."""
    if unknown := [case for case in asked.cases if case not in real.CASES]:
        raise InvalidRequest(f"There is no case {unknown[0][:40]!r}", param="cases")
    grant = Grant(account_id=asked.account)
    return _bench_lines(
        real.Run(asked.model, tuple(dict.fromkeys(asked.formats)), asked.cases, asked.stream, grant, address)
    )


async def _bench_lines(wanted: real.Run) -> AsyncIterator[bytes]:
    async for cell in real.run(wanted):
        yield _line(
            "cell",
            {
                "case": cell.case,
                "client": cell.client,
                "stream": cell.stream,
                "passed": cell.passed,
                "problems": cell.problems,
                "sent": cell.sent,
                "answer": reading.pretty(cell.answer.encode("utf-8", "replace")),
            },
        )


def _line(kind: str, value: Any) -> bytes:
    return json.dumps({"kind": kind, "value": value}).encode() + b"\n"
