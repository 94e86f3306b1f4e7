"""Every case through every pair of formats: a client's own request, by the gateway's own passage, to the simulated
provider, and its answer back. No socket, no account; some milliseconds each.

What the client means is read by the simulated provider's own code in the client's format, and what arrived by its code
in the provider's format. The answer in the provider's format comes back through the gateway, and must say what the
simulated provider says to the same request in the client's own format.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field, replace
from typing import Any

from combos.attempt import Attempt
from combos.resolve import Target
from gateway.edge.inbound import parse
from gateway.edge.responses import error_response
from gateway.passage.base import Passage
from gateway.passage.other_format import OtherFormat
from gateway.passage.requests import build_upstream_request, passage_for
from gateway.simulator.errors import error_body
from gateway.simulator.question import BadRequest
from gateway.snapshot import Snapshot
from gateway.translator import samples
from gateway.translator.bench import meaning
from gateway.translator.formats import MODELS, VENDORS
from gateway.translator.outgoing import path_of
from gateway.wire import FORMATS, get_format, ir
from omniroute.errors import GatewayError
from omniroute.types import InboundRequest, JSONDict, UpstreamRequest
from providers.config import AccountConfig
from providers.spec import Endpoint, ProviderSpec

CASES = {**samples.FEATURES, "error": "Error"}
FORMAT_NAMES = tuple(FORMATS)
PAUSE_S = 0.001
"""Before each case: requests are being served meanwhile, by the same interpreter."""


@dataclass(frozen=True, slots=True)
class Cell:
    """`problems` are empty where everything that was meant arrived."""

    case: str
    client: str
    provider: str
    stream: bool
    problems: list[JSONDict] = field(default_factory=list)
    sent: str = ""
    """The body that the provider got."""
    answer: str = ""
    """What the client got."""

    @property
    def passed(self) -> bool:
        return not self.problems


def run(snapshot: Snapshot, cases: tuple[str, ...] = tuple(CASES)) -> list[Cell]:
    """Blocking for about a second in all; other threads get their turn between any two."""
    return [
        _alone(snapshot, case, client, provider, stream)
        for case in cases
        for stream in (False, True)
        for client in FORMAT_NAMES
        for provider in FORMAT_NAMES
        if not (stream and case == "error")
    ]


def _alone(snapshot: Snapshot, case: str, client: str, provider: str, stream: bool) -> Cell:
    time.sleep(PAUSE_S)
    return run_cell(snapshot, case, client, provider, stream)


def run_cell(snapshot: Snapshot, case: str, client: str, provider: str, stream: bool) -> Cell:
    """Never raises for what a translation does wrong: that is a problem, too."""
    cell = Cell(case, client, provider, stream)
    try:
        if case == "error":
            return _error(cell)
        return _exchange(cell, snapshot)
    except (GatewayError, BadRequest, ir.BrokenStream) as error:
        problem = {"what": "failed", "expected": "an answer", "got": str(error)}
        return replace(cell, problems=[problem])
    except Exception as error:  # a bench is there to show it
        problem = {"what": "failed", "expected": "an answer", "got": f"{type(error).__name__}: {error}"}
        return replace(cell, problems=[problem])


def _exchange(cell: Cell, snapshot: Snapshot) -> Cell:
    asked = samples.request(cell.case, cell.client, stream=cell.stream)
    own, native = samples.answer(asked, cell.client, stream=cell.stream)
    inbound = _inbound(asked, cell)
    way, request = _prepared(inbound, cell, snapshot)
    got, answered = samples.answer(json.loads(request.body), cell.provider, stream=cell.stream)
    problems = meaning.difference(meaning.of_question(own.question), meaning.of_question(got.question))
    told = _returned(way, answered, cell.stream)
    format, read = get_format(cell.client), meaning.read_stream if cell.stream else meaning.read_whole
    problems += meaning.difference(
        meaning.of_reply(read(native, format)), meaning.of_reply(read(told, format))
    )
    return replace(
        cell,
        problems=problems,
        sent=request.body.decode("utf-8", "replace"),
        answer=told.decode("utf-8", "replace"),
    )


def _inbound(asked: JSONDict, cell: Cell) -> InboundRequest:
    gemini = cell.client == "gemini"
    return parse(
        json.dumps(asked).encode(),
        format=cell.client,
        path=path_of(cell.client, MODELS[cell.client], cell.stream).partition("?")[0],
        headers={},
        model=MODELS["gemini"] if gemini else None,
        stream=cell.stream if gemini else None,
    )


def _prepared(inbound: InboundRequest, cell: Cell, snapshot: Snapshot) -> tuple[Passage, UpstreamRequest]:
    attempt = Attempt(
        Target(_spec(cell.provider, snapshot), MODELS[cell.provider]),
        AccountConfig(0, "simulated", "simulated"),
    )
    way, endpoint = passage_for(inbound, attempt)
    if isinstance(way, OtherFormat):
        way.keeps_signatures = False
    return way, build_upstream_request(way, endpoint, attempt)


def _spec(format: str, snapshot: Snapshot) -> ProviderSpec:
    """The format's inventor, with one address."""
    spec = snapshot.providers.specs[VENDORS[format]]
    return replace(
        spec,
        endpoints=(Endpoint(format=format, base_url="http://simulated.invalid/v1"),),
        quirks=(),
        adapter=None,
    )


def _returned(way: Passage, answered: bytes, stream: bool) -> bytes:
    if not stream:
        return way.whole(answered).body
    reader = way.reader()
    return reader.feed(answered) + reader.close()


def _error(cell: Cell) -> Cell:
    """A refusal of the provider's, in the client's words."""
    status = samples.ERROR_STATUS
    family = samples.dialect(cell.provider).family
    body = json.dumps(error_body(family, status)).encode()
    error = get_format(cell.provider).parse_error(status, body, {})
    told = error_response(get_format(cell.client), error)
    read = get_format(cell.client).parse_error(told.status_code, told.content, {})
    expected = {"status": status, "message": error.message}
    got: dict[str, Any] = {"status": told.status_code, "message": read.message}
    return replace(
        cell,
        problems=meaning.difference(expected, got),
        sent=body.decode(),
        answer=told.content.decode("utf-8", "replace"),
    )
