"""OpenAI's Responses as far as answers are kept: made in the background, fetched, cancelled, deleted."""

from __future__ import annotations

import json
from itertools import count
from typing import Any

from tests.vendors.framework import Asked, Json, Refused, Reply, VendorApp

USAGE = {
    "input_tokens": 1000,
    "input_tokens_details": {"cached_tokens": 0},
    "output_tokens": 4000,
    "output_tokens_details": {"reasoning_tokens": 0},
    "total_tokens": 5000,
}
WORDS = ("one ", "two ", "three ", "four")
PATH = "/v1/responses"


class Background(VendorApp):
    """`finish` says when an answer is done. Each is known to the account that it was made for."""

    def __init__(self) -> None:
        super().__init__()
        self.numbers = count(1)
        self.answers: dict[str, Json] = {}
        self.owners: dict[str, str] = {}
        self.cut_after: int | None = None
        """Events of the next stream that is asked for by a POST."""

    def finish(self, id: str, status: str = "completed", usage: Json | None = USAGE) -> None:
        self.answers[id] |= {"status": status, "output": [_message("".join(WORDS))], "usage": usage}

    def _answer(self, asked: Asked) -> Reply:
        with self.lock:
            self.asked.append(asked)
            try:
                return self._respond(asked)
            except Refused as refused:
                return refused.reply

    def _respond(self, asked: Asked) -> Reply:
        if asked.path == PATH:
            return self._create(asked)
        id, _, suffix = asked.path.removeprefix(f"{PATH}/").partition("/")
        if self.owners.get(id) != asked.bearer:
            error = {"message": f"Response with id '{id}' not found.", "type": "invalid_request_error"}
            raise Refused(404, {"error": {**error, "param": None, "code": None}})
        if asked.method == "DELETE":
            del self.owners[id]
            return Reply(200, {"id": id, "object": "response", "deleted": True})
        if suffix == "input_items":
            item = {"id": "msg_1", "type": "message", "role": "user", "status": "completed"}
            item["content"] = [{"type": "input_text", "text": "Hi"}]  # type: ignore[assignment]
            return Reply(
                200,
                {
                    "object": "list",
                    "data": [item],
                    "first_id": "msg_1",
                    "last_id": "msg_1",
                    "has_more": False,
                },
            )
        if suffix == "cancel":
            self.answers[id]["status"] = "cancelled"
        if asked.query.get("stream") == "true":
            return _stream(self._events(id)[int(asked.query.get("starting_after", "-1")) + 1 :])
        return Reply(200, json.dumps(self.answers[id], indent=1), {"content-type": "application/json"})

    def _create(self, asked: Asked) -> Reply:
        id = f"resp_{next(self.numbers)}"
        self.owners[id] = asked.bearer
        self.answers[id] = _response(id, asked.json)
        if not asked.json.get("background"):
            self.finish(id)
        if asked.json.get("stream"):
            cut, self.cut_after = self.cut_after, None
            return _stream(self._events(id)[:cut])
        return Reply(200, self.answers[id])

    def _events(self, id: str) -> list[Json]:
        begun = {**self.answers[id], "status": "in_progress", "output": [], "usage": None}
        place = {"item_id": "msg_a", "output_index": 0, "content_index": 0}
        events: list[Json] = [
            {"type": "response.created", "response": begun},
            {"type": "response.output_item.added", "output_index": 0, "item": _message("")},
            *(
                {"type": "response.output_text.delta", **place, "delta": word, "logprobs": []}
                for word in WORDS
            ),
        ]
        if self.answers[id]["status"] == "completed":
            events.append({"type": "response.completed", "response": self.answers[id]})
        return [{**event, "sequence_number": number} for number, event in enumerate(events)]


def _stream(events: list[Json]) -> Reply:
    chunks = [f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode() for event in events]
    return Reply(200, chunks or "", {"content-type": "text/event-stream"})


def _response(id: str, asked: Json) -> Json:
    told: dict[str, Any] = {
        "id": id,
        "object": "response",
        "created_at": 1_790_000_000,
        "status": "queued",
        "background": bool(asked.get("background")),
        "model": asked["model"],
        "output": [],
        "usage": None,
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "metadata": {},
        "parallel_tool_calls": True,
        "temperature": 1.0,
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
    }
    return told


def _message(text: str) -> Json:
    content = [{"type": "output_text", "text": text, "annotations": []}] if text else []
    return {"id": "msg_a", "type": "message", "role": "assistant", "status": "completed", "content": content}
