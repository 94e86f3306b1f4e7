"""The vendors' chat endpoints, as strict as the real ones. What they say comes from the simulator's formats.

Source: docs/protocol-notes.md, Subscriptions.
"""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
import random
from typing import Any

from gateway.simulator.answer import answers_to, pieces_of
from gateway.simulator.behavior import Behavior
from gateway.simulator.formats.anthropic import AnthropicMessages
from gateway.simulator.formats.base import Dialect
from gateway.simulator.formats.gemini import Gemini
from gateway.simulator.formats.openai_chat import OpenAIChat
from gateway.simulator.formats.openai_responses import OpenAIResponses
from gateway.simulator.question import BadRequest, Question, ToolOffer
from tests.vendors.frames import encode
from tests.vendors.framework import Asked, Json, Refused, Reply, VendorApp, on

TOKEN = "tok-secret-0123456789"
SSE = {"content-type": "text/event-stream"}


class ChatApp(VendorApp):
    """`url` stands for the vendor's host: paths are the vendor's own."""

    token = TOKEN
    behavior = Behavior()
    model = ""
    """One that the provider's row knows."""
    data: Json = {}
    """Of the account: what the sign-in would have found out."""

    def accepts(self, token: str) -> bool:
        return token == self.token

    def check(self, asked: Asked) -> None:
        """Raise `Refused` for whom the vendor does not know."""
        if not self.accepts(asked.bearer):
            raise Refused(401, self.refusal(401, "invalid token"))

    def refusal(self, status: int, message: str) -> Any:
        return {"error": {"message": message, "type": "invalid_request_error", "code": None}}

    def answer(self, dialect: Dialect, body: Json) -> Reply:
        try:
            reply = dialect.reply(body, self.behavior)
        except BadRequest as error:
            raise Refused(400, self.refusal(400, str(error))) from None
        if reply.question.stream:
            return Reply(200, [step.data for step in dialect.stream(reply)], SSE)
        return Reply(200, dialect.whole(reply))


# ---- Claude Code ------------------------------------------------------------------------------------------

CLAUDE_LIMITS = {
    "anthropic-ratelimit-unified-status": "allowed",
    "anthropic-ratelimit-unified-representative-claim": "five_hour",
    "anthropic-ratelimit-unified-5h-utilization": "0.4",
    "anthropic-ratelimit-unified-7d-utilization": "0.25",
    "anthropic-ratelimit-unified-5h-status": "allowed",
    "anthropic-ratelimit-unified-7d-status": "allowed",
}


class ClaudeCodeChat(ChatApp):
    provider, model = "claude", "claude-sonnet-4-6"

    def refusal(self, status: int, message: str) -> Any:
        kind = {401: "authentication_error", 429: "rate_limit_error"}.get(status, "invalid_request_error")
        return {"type": "error", "error": {"type": kind, "message": message}}

    @on("POST /v1/messages")
    def messages(self, asked: Asked) -> Any:
        self.check(asked)
        if asked.query != {"beta": "true"} or "x-api-key" in asked.headers:
            raise Refused(400, self.refusal(400, "not the subscription's endpoint"))
        if "oauth-2025-04-20" not in asked.headers.get("anthropic-beta", "").split(","):
            raise Refused(401, self.refusal(401, "OAuth authentication is currently not supported."))
        roles = [message["role"] for message in asked.json["messages"]]
        if any(one == two for one, two in itertools.pairwise(roles)):
            raise Refused(400, self.refusal(400, "roles must alternate"))
        reply = self.answer(AnthropicMessages(), asked.json)
        return Reply(reply.status, reply.body, {**CLAUDE_LIMITS, **reply.headers})

    @on("POST /v1/messages/count_tokens")
    def count(self, asked: Asked) -> Any:
        self.check(asked)
        return {"input_tokens": 4711}


# ---- Codex ------------------------------------------------------------------------------------------------

REFUSED_BY_CODEX = ("temperature", "top_p", "max_output_tokens", "metadata", "user", "previous_response_id")


class CodexChat(ChatApp):
    provider, model = "codex", "gpt-5.2-codex"
    data: Json = {"accountId": "ws-1"}
    empty_output = True

    def refusal(self, status: int, message: str) -> Any:
        return {"detail": message}

    @on("POST /backend-api/codex/responses")
    def responses(self, asked: Asked) -> Any:
        self.check(asked)
        body = asked.json
        if asked.headers.get("chatgpt-account-id") != "ws-1" or not asked.headers.get("session_id"):
            raise Refused(400, self.refusal(400, "account or session is missing"))
        for name, wanted in (("store", False), ("stream", True)):
            if body.get(name) is not wanted:
                raise Refused(
                    400, self.refusal(400, f"{name.capitalize()} must be set to {str(wanted).lower()}")
                )
        if not body.get("instructions") or not isinstance(body.get("input"), list) or not body["input"]:
            raise Refused(400, self.refusal(400, "Instructions are not valid"))
        for name in REFUSED_BY_CODEX:
            if name in body:
                raise Refused(400, self.refusal(400, f"Unsupported parameter: {name}"))
        for item in body["input"]:
            if item.get("role") == "system" or str(item.get("id")).startswith(("rs_", "fc_", "msg_")):
                raise Refused(400, self.refusal(400, "System messages are not allowed"))
        reply = self.answer(OpenAIResponses(), body)
        return Reply(200, [self._emptied(chunk) for chunk in reply.body], SSE) if self.empty_output else reply

    @on("POST /backend-api/codex/responses/compact")
    def compact(self, asked: Asked) -> Any:
        self.check(asked)
        if not asked.headers.get("session_id") or {"stream", "store"} & asked.json.keys():
            raise Refused(400, self.refusal(400, "not as the endpoint has it"))
        return {"output": asked.json["input"][-1:], "usage": {"input_tokens": 9, "output_tokens": 2}}

    @on("GET /backend-api/codex/models")
    def models(self, asked: Asked) -> Any:
        self.check(asked)
        assert asked.query["client_version"] == "0.0.0"  # 0.0.1 lists nothing
        return {"models": [{"slug": "gpt-9-codex", "supported_reasoning_levels": ["low"]}, {"slug": None}]}

    @staticmethod
    def _emptied(chunk: bytes) -> bytes:
        """`response.completed` comes without what was told before."""
        name, _, data = chunk.partition(b"\ndata: ")
        if not name.endswith(b"response.completed"):
            return chunk
        event = json.loads(data)
        event["response"]["output"] = []
        return name + b"\ndata: " + json.dumps(event).encode() + b"\n\n"


# ---- Gemini CLI -------------------------------------------------------------------------------------------


class CodeAssistChat(ChatApp):
    """`steps_to_onboard`: how often the operation is asked for until it is done; None: the account is known."""

    provider, model = "gemini-cli", "gemini-2.5-pro"
    project = "proj-42"
    free = True
    steps_to_onboard: int | None = None

    def refusal(self, status: int, message: str) -> Any:
        words = {401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 429: "RESOURCE_EXHAUSTED"}
        return {
            "error": {"code": status, "message": message, "status": words.get(status, "INVALID_ARGUMENT")}
        }

    @on("POST /v1internal:loadCodeAssist")
    def load(self, asked: Asked) -> Any:
        self.check(asked)
        if self.steps_to_onboard is None:
            tier = {"id": "standard-tier", "name": "Gemini Code Assist Standard"}
            return {"currentTier": tier, "cloudaicompanionProject": self.project}
        if not self.free:
            return {"allowedTiers": [{"id": "legacy-tier", "isDefault": True}]}
        return {"allowedTiers": [{"id": "legacy-tier"}, {"id": "free-tier", "isDefault": True}]}

    @on("POST /v1internal:onboardUser")
    def onboard(self, asked: Asked) -> Any:
        self.check(asked)
        if asked.json.get("tierId") == "free-tier" and "cloudaicompanionProject" in asked.json:
            raise Refused(412, self.refusal(412, "Precondition Failed"))
        return {"name": "operations/1"}

    @on("GET /v1internal/operations/1")
    def operation(self, asked: Asked) -> Any:
        self.steps_to_onboard = (self.steps_to_onboard or 0) - 1
        if self.steps_to_onboard > 0:
            return {"name": "operations/1", "done": False}
        made = {"cloudaicompanionProject": {"id": self.project}} if self.free else {}
        return {"done": True, "response": made}

    @on("POST /v1internal:countTokens")
    def count_tokens(self, asked: Asked) -> Any:
        self.check(asked)
        if asked.json.keys() != {"request"} or not asked.json["request"]["model"].startswith("models/"):
            raise Refused(400, self.refusal(400, "the envelope is not right"))
        return {"totalTokens": 100 * len(asked.json["request"]["contents"])}

    @on("POST /v1internal:generateContent")
    def whole(self, asked: Asked) -> Any:
        reply = self.answer(Gemini(self._model_of(asked), False, True), asked.json["request"])
        return {"response": reply.body, "traceId": "t"}

    @on("POST /v1internal:streamGenerateContent")
    def stream(self, asked: Asked) -> Any:
        """Wrapped, and over several `data:` lines."""
        if asked.query != {"alt": "sse"}:
            raise Refused(400, self.refusal(400, "alt"))
        reply = self.answer(Gemini(self._model_of(asked), True, True), asked.json["request"])
        return Reply(200, [self._wrapped(chunk) for chunk in reply.body], SSE)

    def _model_of(self, asked: Asked) -> str:
        self.check(asked)
        body = asked.json
        if body.get("project") != self.project or not body.get("user_prompt_id") or "contents" in body:
            raise Refused(400, self.refusal(400, "the envelope is not right"))
        return str(body["model"])

    @staticmethod
    def _wrapped(chunk: bytes) -> bytes:
        inner = json.loads(chunk.removeprefix(b"data: "))
        lines = json.dumps({"response": inner, "traceId": "t"}, indent=1).splitlines()
        return b"".join(b"data: " + line.encode() + b"\r\n" for line in lines) + b"\r\n"


# ---- GitHub Copilot ---------------------------------------------------------------------------------------


class CopilotChat(ChatApp):
    provider, model = "github", "gpt-4.1"
    only_responses: tuple[str, ...] = ()
    split_choices = False

    def check_token(self, asked: Asked) -> None:
        super().check(asked)

    def check(self, asked: Asked) -> None:
        super().check(asked)
        needed = ("copilot-integration-id", "editor-version", "x-initiator", "openai-intent")
        if any(name not in asked.headers for name in needed):
            raise Refused(400, self.refusal(400, "bad request: missing required headers"))

    @on("POST /chat/completions")
    def chat(self, asked: Asked) -> Any:
        self.check(asked)
        if asked.json.get("model") in self.only_responses:
            message = f"model {asked.json['model']} is not accessible via the /chat/completions endpoint"
            raise Refused(400, {"error": {"message": message, "code": "unsupported_api_for_model"}})
        reply = self.answer(OpenAIChat(), asked.json)
        return self._split(reply) if self.split_choices else reply

    @on("POST /responses")
    def responses(self, asked: Asked) -> Any:
        self.check(asked)
        return self.answer(OpenAIResponses(), asked.json)

    @on("GET /models")
    def models(self, asked: Asked) -> Any:
        self.check_token(asked)
        limits = {"max_context_window_tokens": 128_000, "max_output_tokens": 16_000}
        chat = {"type": "chat", "limits": limits}
        return {
            "data": [
                {"id": "gpt-9", "name": "GPT-9", "capabilities": chat},
                {"id": "text-embedding-9", "capabilities": {"type": "embeddings"}},
            ]
        }

    @on("POST /embeddings")
    def embeddings(self, asked: Asked) -> Any:
        self.check(asked)
        vector = {"object": "embedding", "index": 0, "embedding": [0.5, 0.25]}
        return {
            "object": "list",
            "data": [vector],
            "model": asked.json["model"],
            "usage": {"prompt_tokens": 1},
        }

    @on("POST /v1/messages")
    def messages(self, asked: Asked) -> Any:
        self.check(asked)
        return self.answer(AnthropicMessages(), asked.json)

    @staticmethod
    def _split(reply: Reply) -> Reply:
        """Claude's text in one choice, its calls in another."""
        if not isinstance(reply.body, dict):
            return reply
        (choice,) = reply.body["choices"]
        text = {**choice, "message": {"role": "assistant", "content": "Let me see."}}
        return Reply(200, {**reply.body, "choices": [text, {**choice, "index": 1}]})


# ---- iFlow and Qwen ---------------------------------------------------------------------------------------


class IFlowChat(ChatApp):
    provider, model = "iflow", "glm-4.7"

    @on("POST /v1/chat/completions")
    def chat(self, asked: Asked) -> Any:
        self.check(asked)
        headers = asked.headers
        message = f"{headers['user-agent']}:{headers['session-id']}:{headers['x-iflow-timestamp']}"
        signed = hmac.new(asked.bearer.encode(), message.encode(), hashlib.sha256).hexdigest()
        if headers.get("x-iflow-signature") != signed:
            return {"status": "40300", "msg": "signature error"}
        if asked.json.get("tools") == []:
            raise Refused(400, self.refusal(400, "tools is empty"))
        return self.answer(OpenAIChat(), asked.json)


class QwenChat(ChatApp):
    provider, model = "qwen", "qwen3-coder-plus"

    @on("GET /v1/models")
    def models(self, asked: Asked) -> Any:
        self.check(asked)
        return {"data": [{"id": "coder-model"}]}

    @on("POST /v1/chat/completions")
    def chat(self, asked: Asked) -> Any:
        self.check(asked)
        first, *rest = asked.json["messages"]
        parts = first.get("content")
        if first["role"] != "system" or not isinstance(parts, list) or "cache_control" not in parts[0]:
            raise Refused(400, self.refusal(400, "the first message must be the system's, in parts"))
        if any(message["role"] == "system" for message in rest):
            raise Refused(400, self.refusal(400, "one system message"))
        if not asked.headers.get("x-dashscope-authtype") or "sessionId" not in asked.json.get("metadata", {}):
            raise Refused(400, self.refusal(400, "not Qwen Code"))
        return self.answer(OpenAIChat(), asked.json)


# ---- Kiro -------------------------------------------------------------------------------------------------


class KiroChat(ChatApp):
    """Frames arrive cut at random places. `whole_inputs`: a call's input as an object that grows."""

    provider, model = "kiro", "claude-sonnet-4.5"
    data: Json = {"profileArn": "arn:aws:codewhisperer:us-east-1:1234:profile/ADA"}
    whole_inputs = False
    exception_after: int | None = None
    """An exception in the place of the rest, behind so many pieces of text."""

    def refusal(self, status: int, message: str) -> Any:
        if status == 401:
            raise Refused(403, {"message": "The bearer token included in the request is invalid."})
        return {"message": message, "reason": "REQUEST_BODY_INVALID"}

    @on("POST /generateAssistantResponse")
    def generate(self, asked: Asked) -> Any:
        self.check(asked)
        body = asked.json
        known = {"conversationState", "profileArn", "inferenceConfig", "additionalModelRequestFields"}
        if not body.keys() <= known or body.get("profileArn") != self.data["profileArn"]:
            raise Refused(400, self.refusal(400, "Improperly formed request."))
        question = self._read(body)
        (answer,) = answers_to(question, self.behavior)
        frames: list[bytes] = []
        for number, piece in enumerate(answer.pieces):
            if number == self.exception_after:
                frames.append(encode(b'{"message":"Too much"}', "ThrottlingException", "exception"))
                return self._cut(frames)
            frames.append(self._frame("assistantResponseEvent", {"content": piece}))
        for call in answer.calls:
            use = {"toolUseId": f"tooluse_{call.id}", "name": call.name}
            inputs: list[Any] = (
                [json.loads(call.arguments)] if self.whole_inputs else pieces_of(call.arguments)
            )
            frames += [self._frame("toolUseEvent", {**use, "input": each}) for each in inputs]
            frames.append(self._frame("toolUseEvent", {**use, "stop": True}))
        frames.append(self._frame("contextUsageEvent", {"contextUsagePercentage": 2.5}))
        frames.append(self._frame("meteringEvent", {"usage": 0.05, "unit": "credit"}))
        return self._cut(frames)

    def _read(self, body: Json) -> Question:
        state = body["conversationState"]
        turns = [*state["history"], state["currentMessage"]]
        question = Question(model=state["currentMessage"]["userInputMessage"]["modelId"], body=body)
        for number, turn in enumerate(turns):
            said = turn.get("userInputMessage") if number % 2 == 0 else turn.get("assistantResponseMessage")
            if said is None or not said["content"]:
                raise Refused(400, self.refusal(400, "Improperly formed request."))
            context = said.get("userInputMessageContext", {})
            question.attachments += len(said.get("images", []))
            if not context.get("toolResults"):
                question.hear("user" if number % 2 == 0 else "other", said["content"])
            for result in context.get("toolResults", []):
                question.hear("tool", result["content"][0]["text"])
        tools = turns[-1]["userInputMessage"].get("userInputMessageContext", {}).get("tools", [])
        if any("toolUses" in turn.get("assistantResponseMessage", {}) for turn in turns) and not tools:
            raise Refused(400, self.refusal(400, "Improperly formed request."))
        for tool in tools:
            offered = tool["toolSpecification"]
            question.tools.append(ToolOffer(offered["name"], offered["inputSchema"]["json"]))
        return question

    @staticmethod
    def _frame(name: str, value: Json) -> bytes:
        return encode(json.dumps(value).encode(), name)

    @staticmethod
    def _cut(frames: list[bytes]) -> Reply:
        stream = b"".join(frames)
        dice = random.Random(len(stream))
        places = sorted({0, len(stream), *(dice.randrange(len(stream)) for _ in range(12))})
        chunks = [stream[start:end] for start, end in itertools.pairwise(places)]
        return Reply(200, chunks, {"content-type": "application/vnd.amazon.eventstream"})


ALL: tuple[type[ChatApp], ...] = (
    ClaudeCodeChat,
    CodexChat,
    CodeAssistChat,
    CopilotChat,
    IFlowChat,
    QwenChat,
    KiroChat,
)
