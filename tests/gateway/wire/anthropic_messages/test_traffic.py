"""Recorded traffic of this format, where it is at hand."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.wire import ir
from gateway.wire.base import ModelProfile, Seen
from gateway.wire.sse import Decoder
from omniroute.errors import InvalidRequest, UpstreamRefused
from tests import services
from tests.gateway.wire.anthropic_messages.made_up import FORMAT
from tests.gateway.wire.anthropic_messages.test_tap import INBOUND


def find(sse: bool | None = None) -> list[Path]:
    """Recordings of this format; with `sse`, those whose answer is a stream, or is none."""
    index = services.traffic_dir() / "index.tsv"
    lines = index.read_text().splitlines() if index.is_file() else []
    rows = csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
    mine = [row for row in rows if row["format"] == "anthropic"]
    kept = [row for row in mine if sse is None or sse == ("sse" in row["features"].split(","))]
    return [index.with_name(f"{row['id']}.json") for row in kept]


ASKED = ir.Request("m", [])

pytestmark = pytest.mark.traffic


def each(paths: list[Path]) -> Any:
    """One test a recording, or one that is left out where there are none."""
    return pytest.mark.parametrize("path", paths or [None], ids=lambda path: path.stem if path else "none")


def load(path: Path) -> Any:
    return json.loads(path.read_text())


def read(pieces: Iterator[bytes]) -> list[ir.Event]:
    decoder, parser = Decoder(), FORMAT.stream_parser()
    events = [made for piece in pieces for event in decoder.feed(piece) for made in parser.feed(event)]
    return events + [made for event in decoder.flush() for made in parser.feed(event)] + parser.close()


@each(find())
def test_a_request_comes_back_equal(path):
    record = load(path)
    body = record["request"]["body"]
    try:
        request = FORMAT.parse_request(body, body["model"], bool(body.get("stream")))
    except InvalidRequest:
        assert record["response"]["status"] == 400
        return
    assert FORMAT.emit_request(request, ModelProfile()) == body


@each(find(sse=False))
def test_a_reply_comes_back_equal(path):
    body = load(path)["response"]["body"]
    if body.get("type") == "error":
        with pytest.raises(UpstreamRefused):
            FORMAT.parse_response(body)
        return
    response = FORMAT.parse_response(body)
    assert FORMAT.emit_response(response, ASKED) == body
    assert ir.fold(ir.unfold(response)) == response


@each(find(sse=True))
def test_a_stream_keeps_its_meaning(path):
    events = read(iter([load(path)["response"]["body_text"].encode()]))
    emitter = FORMAT.stream_emitter(ASKED)
    again = read(iter([b"".join(map(emitter.emit, events)) + emitter.close()]))
    assert ir.fold(again) == ir.fold(events)


@each(find(sse=True))
def test_a_stream_is_the_same_however_it_is_cut(path):
    raw = load(path)["response"]["body_text"].encode()
    whole = read(iter([raw]))
    step = max(1, len(raw) // 60)
    for cut in range(1, len(raw), step):
        assert read(iter([raw[:cut], raw[cut:]])) == whole
    assert read(iter([raw[i : i + 1] for i in range(len(raw))])) == whole


@each(find(sse=True))
def test_the_tap_sees_what_the_parser_sees(path):
    raw = load(path)["response"]["body_text"].encode()
    tap = FORMAT.tap(INBOUND)
    seen = [tap.look(event) for event in Decoder().feed(raw)]
    assert seen[-1] is Seen.LAST
    assert Seen.CONTENT in seen
    assert tap.finished
    assert tap.usage == ir.fold(read(iter([raw]))).usage
