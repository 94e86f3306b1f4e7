"""The simulator's misbehaviour over real sockets, and its control from outside."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from typing import Any

import anthropic
import httpx
import openai
import pytest
from google import genai

from gateway import simulator as provider_simulator
from gateway.simulator import Simulator
from gateway.simulator.behavior import FAULTS, HARMLESS, of_chaos, parse
from tests.services import ROOT

HELLO: dict[str, Any] = {"messages": [{"role": "user", "content": "Hello there"}]}


def ask(
    simulator: Simulator, model: str, *, stream: bool = False, key: str = "k", **more: object
) -> httpx.Response:
    headers = {"authorization": f"Bearer {key}"}
    body = {"model": model, "stream": stream, **HELLO, **more}
    return httpx.post(f"{simulator.openai_url}/chat/completions", json=body, headers=headers, timeout=5)


def cut_stream(simulator: Simulator, model: str) -> str:
    """What arrives of a stream that is expected to break."""
    body, arrived = {"model": model, "stream": True, **HELLO}, b""
    with httpx.stream("POST", f"{simulator.openai_url}/chat/completions", json=body, timeout=1) as response:
        assert response.status_code == 200
        try:
            for chunk in response.iter_raw():
                arrived += chunk
        except (httpx.RemoteProtocolError, httpx.ReadTimeout):
            return arrived.decode()
    raise AssertionError("the stream ended properly")


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 408, 409, 413, 429, 500, 502, 503, 529])
def test_a_status_comes_in_each_formats_own_shape(simulator, status):
    openai_body = ask(simulator, f"sim-{status}")
    assert openai_body.status_code == status
    assert set(openai_body.json()["error"]) == {"message", "type", "param", "code"}
    headers = {"anthropic-version": "2023-06-01"}
    body = {"model": f"sim-{status}", "max_tokens": 9, **HELLO}
    claude = httpx.post(f"{simulator.url}/v1/messages", json=body, headers=headers)
    assert claude.status_code == status
    assert (claude.json()["type"], set(claude.json()["error"])) == ("error", {"type", "message"})
    url = f"{simulator.gemini_url}/models/sim-{status}:generateContent"
    google = httpx.post(url, json={"contents": [{"parts": [{"text": "Hi"}]}]})
    assert google.json()["error"]["code"] == google.status_code == status


def test_the_sdks_raise_their_own_exceptions(simulator):
    chat = openai.OpenAI(base_url=simulator.openai_url, api_key="bad-key", max_retries=0)
    with pytest.raises(openai.AuthenticationError):
        chat.chat.completions.create(model="sim", messages=HELLO["messages"])
    claude = anthropic.Anthropic(base_url=simulator.url, api_key="bad-key", max_retries=0)
    with pytest.raises(anthropic.AuthenticationError):
        claude.messages.create(model="sim", max_tokens=9, messages=HELLO["messages"])
    google = genai.Client(api_key="bad-key", http_options={"base_url": simulator.url})
    with pytest.raises(genai.errors.ClientError) as caught:
        google.models.generate_content(model="sim", contents="Hi")
    assert (caught.value.code, caught.value.status) == (401, "UNAUTHENTICATED")


def test_retry_after_in_seconds_and_as_a_date(simulator):
    assert ask(simulator, "sim-429-retry7").headers["retry-after"] == "7"
    assert ask(simulator, "sim-429-retry7-date").headers["retry-after"].endswith("GMT")


@pytest.mark.parametrize("stream", [False, True])
def test_an_error_under_status_200(simulator, stream):
    answer = ask(simulator, "sim-error200", stream=stream)
    assert answer.status_code == 200
    assert answer.json()["error"]["type"] == "server_error"


@pytest.mark.parametrize("stream", [False, True])
def test_an_empty_body(simulator, stream):
    answer = ask(simulator, "sim-empty", stream=stream)
    assert (answer.status_code, answer.content) == (200, b"")


@pytest.mark.parametrize("stream", [False, True])
def test_malformed_json(simulator, stream):
    answer = ask(simulator, "sim-malformed", stream=stream)
    assert answer.status_code == 200
    with pytest.raises(json.JSONDecodeError):
        json.loads(answer.text.removeprefix("data: "))


def test_a_proxys_html_page(simulator):
    answer = ask(simulator, "sim-html502")
    assert (answer.status_code, answer.headers["content-type"]) == (502, "text/html")


@pytest.mark.parametrize("count", [0, 1, 3, 50])
def test_a_stream_is_cut_after_so_many_content_events(simulator, count):
    arrived = cut_stream(simulator, f"sim-n60+cut{count}")
    assert arrived.count("word") == count
    assert 'finish_reason":"stop' not in arrived
    assert "[DONE]" not in arrived
    assert simulator.wait_for_end().ended == "cut"


def test_a_cut_behind_a_short_answer_comes_before_its_end(simulator):
    arrived = cut_stream(simulator, "sim-cut50")
    assert '"there"' in arrived
    assert '"stop"' not in arrived


def test_a_plain_answer_is_cut_in_the_middle(simulator):
    with pytest.raises(httpx.RemoteProtocolError, match="without sending complete message body"):
        ask(simulator, "sim-cut0")


def test_a_stream_ends_early_but_properly(simulator):
    answer = ask(simulator, "sim-end2", stream=True)
    assert answer.text.count('"content":"') == 3  # the role's empty one and two words
    assert "[DONE]" not in answer.text


def test_an_error_in_band(simulator):
    last = ask(simulator, "sim-inband1", stream=True).text.strip().rpartition("data: ")[2]
    assert json.loads(last)["error"]["type"] == "server_error"


def test_it_hangs_until_the_client_leaves(simulator):
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(
            f"{simulator.openai_url}/chat/completions", json={"model": "sim-hang", **HELLO}, timeout=0.2
        )
    received = simulator.wait_for_end()
    assert (received.ended, received.status) == ("client_left", None)


def test_it_stalls_after_so_many_events_until_the_client_leaves(simulator):
    assert cut_stream(simulator, "sim-n9+stall3").count("word") == 3
    assert simulator.wait_for_end().ended == "client_left"


def test_delay_and_pace(simulator):
    began = time.monotonic()
    ask(simulator, "sim-slow150")
    assert 0.15 <= time.monotonic() - began < 1
    began = time.monotonic()
    answer = ask(simulator, "sim-n10-i20", stream=True)
    assert time.monotonic() - began >= 0.2
    assert answer.text.count("word") == 10


def test_the_wrong_framing_each_way(simulator):
    assert ask(simulator, "sim-json-to-stream", stream=True).json()["object"] == "chat.completion"
    assert ask(simulator, "sim-sse-to-plain").text.startswith("data: {")


def test_split_writes_gzip_comments_and_a_missing_done(simulator):
    plain = ask(simulator, "sim-nodone", stream=True).text
    assert "[DONE]" not in plain
    fancy = ask(simulator, "sim-split3+gzip+comments+nodone", stream=True)
    assert fancy.headers["content-encoding"] == "gzip"
    assert fancy.text.count(": still here") == 4


def test_usage_can_be_dictated_or_left_out(simulator):
    usage = ask(simulator, "sim-in1000+out500+cached300").json()["usage"]
    assert (usage["prompt_tokens"], usage["completion_tokens"]) == (1000, 500)
    assert usage["prompt_tokens_details"]["cached_tokens"] == 300
    assert "usage" not in ask(simulator, "sim-nousage").json()


def test_an_unknown_behaviour_is_an_error_not_good_behaviour(simulator):
    answer = ask(simulator, "sim-429-rety7")
    assert answer.status_code == 404
    assert "429-rety7" in answer.json()["error"]["message"]
    with pytest.raises(ValueError, match="cutt3"):
        simulator.behave("cutt3")


def test_a_key_and_a_header_misbehave_too(simulator):
    assert ask(simulator, "gpt-x", key="sim-429-retry3").headers["retry-after"] == "3"
    assert ask(simulator, "gpt-x", key="sim-is-just-a-key").status_code == 200
    url, headers = f"{simulator.openai_url}/chat/completions", {"x-simulate": "503"}
    assert httpx.post(url, json={"model": "m", **HELLO}, headers=headers).status_code == 503


def test_rules_apply_in_order_as_often_as_they_say(simulator):
    simulator.behave("429", times=1, key="first")
    simulator.behave("500", times=2, model="m")
    got = [ask(simulator, "m", key=key).status_code for key in ("first", "first", "second", "second")]
    assert got == [429, 500, 500, 200]


def test_a_canned_reply_is_sent_as_it_stands(simulator):
    simulator.reply('{"odd":  0.70}', status=418, headers={"x-odd": "yes"}, times=1)
    answer = ask(simulator, "m")
    assert (answer.status_code, answer.text, answer.headers["x-odd"]) == (418, '{"odd":  0.70}', "yes")


def test_it_counts_without_telling_all(simulator):
    for model in ("a", "b", "c"):
        ask(simulator, model)
    assert simulator.count == 3
    told = httpx.get(f"{simulator.url}/__requests?limit=2").json()
    assert (told["total"], [entry["model"] for entry in told["requests"]]) == (3, ["b", "c"])


def test_it_tells_what_it_received(simulator):
    ask(simulator, "m", key="secret", unknown={"kept": 0.70})
    end = time.monotonic() + 10
    while not simulator.requests[0].ended and time.monotonic() < end:  # its end is noted behind the last byte
        time.sleep(0.01)
    (received,) = simulator.requests
    assert (received.method, received.path, received.model) == ("POST", "/v1/chat/completions", "m")
    assert received.key == "secret"
    assert received.json["unknown"] == {"kept": 0.7}
    assert (received.status, received.ended, simulator.count) == (200, "complete", 1)
    simulator.reset()
    assert simulator.requests == []


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (b"{", None),
        (b"[]", None),
        (b"[" * 100_000, None),
        (b"\xff", None),
        (b'{"messages": []}', "model"),
        (b'{"model": "m"}', "messages"),
        (b'{"model": "m", "messages": []}', "messages"),
        (b'{"model": "m", "messages": "x"}', "messages"),
        (b'{"model": "m", "messages": [{}]}', "messages[0].role"),
        (b'{"model": 7, "messages": [{"role": "user", "content": "x"}]}', "model"),
        (b'{"model": "m", "messages": [{"role": "user", "content": 7}]}', "messages[0].content"),
        (b'{"model": "m", "messages": [{"role": "user"}], "n": true}', "n"),
        (b'{"model": "m", "messages": [{"role": "user"}], "n": 1000000000}', "n"),
        (b'{"model": "m", "messages": [{"role": "user"}], "tool_choice": "auto"}', "tool_choice"),
        (b'{"model": "m", "messages": [{"role": "user"}], "tools": [{}]}', "tools[0].function.name"),
    ],
)
def test_a_bad_request_is_refused_by_name(simulator, body, param):
    answer = httpx.post(f"{simulator.openai_url}/chat/completions", content=body)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)


def test_lone_surrogates_and_nul_come_back(simulator):
    said = '{"model": "m", "messages": [{"role": "user", "content": "a\\ud83d\\u0000b"}]}'
    answer = httpx.post(f"{simulator.openai_url}/chat/completions", content=said)
    assert b"a\\ud83d\\u0000b" in answer.content


def test_a_stopped_simulator_refuses_connections():
    with provider_simulator.start() as short:
        assert httpx.get(f"{short.url}/v1/models").status_code == 200
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{short.url}/v1/models")


def test_the_command_prints_its_address_and_serves(tmp_path):
    command = [sys.executable, "manage.py", "simulate_provider", "--port", "0"]
    env = {"DATA_DIR": str(tmp_path), "PATH": "/usr/bin:/bin"}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=env, cwd=ROOT) as process:
        try:
            assert process.stdout
            url = process.stdout.readline().split()[-1]
            assert ask(Simulator(url), "sim").status_code == 200
        finally:
            process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=10)
    assert (process.returncode, errors) == (0, "")


def test_the_command_says_that_a_port_is_taken(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        command = [sys.executable, "manage.py", "simulate_provider", "--port", str(taken.getsockname()[1])]
        env = {"DATA_DIR": str(tmp_path), "PATH": "/usr/bin:/bin"}
        done = subprocess.run(command, capture_output=True, text=True, env=env, cwd=ROOT, check=False)
    assert done.returncode == 1
    assert "Cannot listen on 127.0.0.1" in done.stderr
    assert "Traceback" not in done.stderr


def test_chaos_is_another_fault_with_every_request(simulator):
    assert {parse(word) for word in (*FAULTS, *HARMLESS)}, "all of its words are known"
    statuses = {of_chaos().status for _ in range(500)}
    assert {None, 429, 500} < statuses
