"""A body on its way: steps, what is lost, and what a provider gets."""

from __future__ import annotations

import json
import random
from contextlib import suppress
from typing import Any

import pytest

from gateway import snapshot as snapshots
from gateway.translator import samples
from gateway.translator.formats import TARGETS
from gateway.translator.outgoing import Destination
from gateway.translator.reading import BrokenBody
from gateway.translator.translation import Wish, translate
from omniroute.errors import ClientError, InvalidRequest
from providers.models import Account

pytestmark = pytest.mark.django_db
SECRET = "sk-ant-secret-0123456789abcdef"


def made(body, source, target="", kind="request", **more):
    data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    return translate(Wish(data, kind, source, target, **more), snapshots.refresh())


def changes(translation):
    return {change.path: change.what for change in translation.changes}


def test_every_sample_goes_into_every_format_that_it_can():
    for sample in samples.all_samples():
        for target in TARGETS[sample.kind]:
            done = made(sample.text, sample.format, target, sample.kind, status=sample.status or 400)
            assert [step.number for step in done.steps] == [1, 2, 3]
            assert done.target == target
            assert done.result.text


def test_the_steps_are_the_source_the_neutral_form_and_the_target():
    done = made(samples.request("tools", "openai_chat"), "openai_chat", "anthropic_messages")
    source, neutral, target = (step.value for step in done.steps)
    assert source["tools"][0]["function"]["name"] == "get_weather"
    assert neutral["messages"][0]["parts"][0]["is"] == "text"
    assert target["tools"][0]["input_schema"]["required"] == ["city", "days"]
    assert target["max_tokens"] > 0


def test_it_tells_what_is_left_out_and_what_makes_no_difference():
    body = {
        "model": "claude-sonnet-4-5",
        "max_tokens": 50,
        "mcp_servers": [{"name": "x"}],
        "messages": [
            {
                "role": "user",
                "content": [{"type": "text", "text": "Hi", "cache_control": {"type": "ephemeral"}}],
            }
        ],
    }
    found = changes(made(body, "anthropic_messages", "gemini"))
    assert found["mcp_servers"] == "left out"
    assert found["messages[0].content[0].cache_control"] == "without effect"
    assert "max_tokens" not in found
    assert "messages[0].content[0].text" not in found


def test_a_tools_name_that_does_not_fit_is_told():
    function = {"name": "a.b", "parameters": {"type": "object", "properties": {}}}
    body = {
        "model": "gpt-5",
        "messages": [{"role": "user", "content": "Hi"}],
        "tools": [{"type": "function", "function": function}],
    }
    done = made(body, "openai_chat", "anthropic_messages")
    assert changes(done)["tools[0].name"] == "changed"
    assert done.result.value["tools"][0]["name"] != "a.b"


def test_within_one_format_nothing_is_lost():
    body = {"model": "gpt-5", "messages": [{"role": "user", "content": "Hi", "odd": 1}], "unknown": 0.70}
    done = made(body, "openai_chat", "openai_chat")
    assert done.result.value == body
    assert done.changes == ()


def test_numbers_keep_their_text():
    text = (
        '{"model":"gpt-5","messages":[{"role":"user","content":"Hi"}],"seed":123456789012345678901234567890}'
    )
    done = made(text, "openai_chat", "openai_chat")
    assert "123456789012345678901234567890" in done.step(1).text


def test_a_provider_gets_what_the_pipeline_would_send_it():
    account = Account(provider="groq", name="mine", is_active=True)
    account.api_key = SECRET
    account.save()
    body = samples.request("thinking", "anthropic_messages")
    spec = snapshots.refresh().providers.specs["groq"]
    model = next(each.id for each in spec.models if each.kind == "chat")
    done = made(body, "anthropic_messages", model=model, destination=Destination("groq"))
    whole = done.step(4).value
    assert done.target == "openai_chat"
    assert whole["url"].startswith("https://api.groq.com/")
    assert whole["body"]["model"] == model
    assert whole["headers"]["authorization"] != f"Bearer {SECRET}"
    assert SECRET not in done.step(4).text
    assert changes(done)["model"] == "changed"


@pytest.mark.parametrize(
    "destination", [Destination("nobody"), Destination("groq", 77), Destination("codex")]
)
def test_a_destination_that_is_not_there_is_refused(destination):
    with pytest.raises(ClientError):
        made(samples.request("text", "openai_chat"), "openai_chat", model="x", destination=destination)


def test_broken_json_says_where():
    with pytest.raises(BrokenBody) as broken:
        made('{"model": "x",\n "messages": [}', "openai_chat", "gemini")
    assert (broken.value.line, broken.value.column) == (2, 15)


@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"a":' * 100_000, "nothing", "[]", '"x"', "", '{"messages": NaN}']
)
@pytest.mark.parametrize("kind", ["request", "reply"])
def test_what_is_no_body_is_refused(text, kind):
    with pytest.raises(InvalidRequest):
        made(text, "openai_chat", "gemini", kind)


@pytest.mark.parametrize("kind", ["reply", "stream"])
def test_what_is_no_answer_is_refused_in_words(kind):
    with pytest.raises(InvalidRequest):
        made("{}" if kind == "reply" else "no events", "gemini", "openai_chat", kind)


def test_a_stream_that_breaks_off_is_shown_with_its_error():
    stream = samples.answer(samples.request("text", "openai_chat", stream=True), "openai_chat", stream=True)[
        1
    ]
    half = stream[: len(stream) // 2].decode()
    done = made(half, "openai_chat", "anthropic_messages", "stream")
    assert "broken" in done.step(2).value
    assert "event: error" in done.result.text


def test_an_error_keeps_its_message_and_changes_its_shape():
    body = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    done = made(body, "anthropic_messages", "gemini", "error", status=529)
    assert done.result.value["error"]["message"] == "Overloaded"
    assert done.result.value["error"]["status"]
    page = made("<h1>Bad Gateway</h1>", "openai_chat", "anthropic_messages", "error", status=502)
    assert page.result.value["type"] == "error"


def test_nothing_is_kept_of_a_translation(monkeypatch):
    """A rehearsal must not fill the store of Gemini's signatures."""
    from gateway.preparation.signatures import Signatures

    kept: list[str] = []
    monkeypatch.setattr(Signatures, "keep", lambda self, call, signature: kept.append(call))
    made(samples.request("tools", "openai_chat"), "openai_chat", "gemini")
    reply = samples.answer(samples.request("tools", "gemini"), "gemini", stream=False)[1].decode()
    made(reply, "gemini", "openai_chat", "reply")
    assert kept == []


ODD: tuple[Any, ...] = (None, True, -1, 1e300, "", "x", [], {}, [[]], [None], {"a": 1}, 0)


def muddled(value: Any, chance: random.Random) -> Any:
    """The same with some of it missing and some of it of another kind."""
    if isinstance(value, dict):
        kept = {name: item for name, item in value.items() if chance.random() > 0.04}
        return {
            name: chance.choice(ODD) if chance.random() < 0.08 else muddled(item, chance)
            for name, item in kept.items()
        }
    if isinstance(value, list):
        return [chance.choice(ODD) if chance.random() < 0.08 else muddled(item, chance) for item in value]
    return value


def muddled_text(sample: samples.Sample, chance: random.Random) -> str:
    if sample.kind != "stream":
        return json.dumps(muddled(json.loads(sample.text), chance))
    lines = sample.text.split("\n")
    return "\n".join(
        f"data: {json.dumps(muddled(json.loads(line[6:]), chance))}" if line.startswith("data: {") else line
        for line in lines
    )


@pytest.mark.parametrize("seed", range(4))
def test_bodies_of_any_shape_are_translated_or_refused(seed):
    chance, read = random.Random(seed), 0
    for sample in samples.all_samples():
        target = chance.choice(TARGETS[sample.kind])
        with suppress(ClientError):
            made(
                muddled_text(sample, chance), sample.format, target, sample.kind, status=sample.status or 400
            )
            read += 1
    assert read > 20
