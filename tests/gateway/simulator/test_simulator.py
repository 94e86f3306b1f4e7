"""The simulator over real sockets: the vendors' SDKs take its answers for real ones, in strict mode."""

from __future__ import annotations

import json
from typing import Any

import anthropic
import httpx
import openai
import pytest
from anthropic.types import ToolUseBlock
from google import genai
from google.genai import types
from openai.types.responses import ResponseFunctionToolCall

from gateway.simulator import Simulator

WEATHER = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name", "age"],
    "additionalProperties": False,
}
HELLO = [{"role": "user", "content": "Hello there"}]
ASK_TOOL = 'Please use the tool weather with {"city": "Köln", "n": 12345678901234567890}'


@pytest.fixture
def chat(simulator: Simulator) -> openai.OpenAI:
    return openai.OpenAI(
        base_url=simulator.openai_url, api_key="k", max_retries=0, _strict_response_validation=True
    )


@pytest.fixture
def claude(simulator: Simulator) -> anthropic.Anthropic:
    return anthropic.Anthropic(
        base_url=simulator.url, api_key="k", max_retries=0, _strict_response_validation=True
    )


@pytest.fixture
def gemini(simulator: Simulator) -> genai.Client:
    return genai.Client(api_key="k", http_options={"base_url": simulator.url})


class TestChat:
    def test_it_echoes_the_prompt_with_usage(self, chat):
        answer = chat.chat.completions.create(model="sim", messages=HELLO)
        assert answer.choices[0].message.content == "You said: Hello there"
        assert answer.choices[0].finish_reason == "stop"
        assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens > 4

    def test_a_stream_says_the_same_as_the_whole_answer(self, chat):
        options = {"include_usage": True}
        chunks = list(
            chat.chat.completions.create(model="sim", messages=HELLO, stream=True, stream_options=options)
        )
        text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
        assert text == "You said: Hello there"
        assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "stop"
        assert chunks[-1].choices == []
        assert chunks[-1].usage == chat.chat.completions.create(model="sim", messages=HELLO).usage

    def test_usage_comes_in_a_stream_only_when_asked_for(self, chat):
        chunks = list(chat.chat.completions.create(model="sim", messages=HELLO, stream=True))
        assert all(chunk.usage is None and chunk.choices for chunk in chunks)

    def test_it_calls_the_tool_that_the_prompt_names(self, chat):
        tools = [{"type": "function", "function": {"name": "weather", "parameters": WEATHER}}]
        messages = [{"role": "user", "content": ASK_TOOL}]
        answer = chat.chat.completions.create(model="sim", messages=messages, tools=tools)
        (call,) = answer.choices[0].message.tool_calls
        assert answer.choices[0].finish_reason == "tool_calls"
        assert call.function.arguments == '{"city": "Köln", "n": 12345678901234567890}'
        messages.append(answer.choices[0].message.model_dump(exclude_none=True))
        messages.append({"role": "tool", "tool_call_id": call.id, "content": "sunny"})
        answer = chat.chat.completions.create(model="sim", messages=messages, tools=tools)
        assert answer.choices[0].message.content == "The tool said: sunny"

    def test_streamed_calls_have_one_id_each_and_arguments_in_pieces(self, chat):
        names = ("weather", "time")
        tools = [{"type": "function", "function": {"name": n, "parameters": WEATHER}} for n in names]
        messages = [{"role": "user", "content": "use the tool weather and use the tool time"}]
        stream = chat.chat.completions.create(model="sim", messages=messages, tools=tools, stream=True)
        deltas = [d for chunk in stream for d in chunk.choices[0].delta.tool_calls or []]
        assert [delta.function.name for delta in deltas if delta.id] == ["weather", "time"]
        for index in (0, 1):
            arguments = "".join(d.function.arguments for d in deltas if d.index == index)
            assert json.loads(arguments) == {"city": "sample"}

    def test_a_forced_tool_is_called_unasked(self, chat):
        tools = [{"type": "function", "function": {"name": "weather", "parameters": WEATHER}}]
        choice = {"type": "function", "function": {"name": "weather"}}
        answer = chat.chat.completions.create(model="sim", messages=HELLO, tools=tools, tool_choice=choice)
        assert answer.choices[0].message.tool_calls[0].function.name == "weather"

    def test_a_json_schema_is_satisfied(self, chat):
        wanted = {"type": "json_schema", "json_schema": {"name": "person", "schema": PERSON, "strict": True}}
        answer = chat.chat.completions.create(model="sim", messages=HELLO, response_format=wanted)
        assert json.loads(answer.choices[0].message.content) == {"name": "sample", "age": 7}

    def test_n_choices_differ_and_interleave_in_a_stream(self, chat):
        answer = chat.chat.completions.create(model="sim", messages=HELLO, n=2)
        texts = [choice.message.content for choice in answer.choices]
        assert texts == ["You said: Hello there", "You said: Hello there (choice 2)"]
        stream = chat.chat.completions.create(model="sim", messages=HELLO, n=2, stream=True)
        order = [chunk.choices[0].index for chunk in stream]
        assert order[:4] == [0, 1, 0, 1]

    def test_logprobs_cover_the_text(self, chat):
        answer = chat.chat.completions.create(model="sim", messages=HELLO, logprobs=True, top_logprobs=2)
        tokens = answer.choices[0].logprobs.content
        assert "".join(token.token for token in tokens) == answer.choices[0].message.content
        assert all(len(token.top_logprobs) == 2 for token in tokens)

    def test_limits_and_stops_are_kept(self, chat):
        answer = chat.chat.completions.create(model="sim", messages=HELLO, max_tokens=2)
        assert (answer.choices[0].message.content, answer.choices[0].finish_reason) == (
            "You said: ",
            "length",
        )
        answer = chat.chat.completions.create(model="sim", messages=HELLO, stop=["there"])
        assert answer.choices[0].message.content == "You said: Hello "

    def test_reasoning_is_shown_and_counted(self, chat):
        answer = chat.chat.completions.create(model="sim", messages=HELLO, reasoning_effort="low")
        assert answer.choices[0].message.reasoning_content.startswith("The user wants")
        assert answer.usage.completion_tokens_details.reasoning_tokens == 9

    def test_the_older_completions_echo(self, chat):
        answer = chat.completions.create(model="sim", prompt="Once upon", echo=True, logprobs=1)
        assert answer.choices[0].text == "Once uponYou said: Once upon"
        assert answer.choices[0].logprobs.text_offset[0] == len("Once upon")

    def test_the_older_completions_stream(self, simulator):
        # Not strict: the vendor's type lacks the null finish_reason that its server sends before the end.
        chat = openai.OpenAI(base_url=simulator.openai_url, api_key="k")
        chunks = list(chat.completions.create(model="sim", prompt="Once upon", stream=True))
        assert "".join(chunk.choices[0].text for chunk in chunks) == "You said: Once upon"


class TestResponses:
    def test_a_stream_ends_with_what_it_said(self, chat):
        events = list(chat.responses.create(model="sim", input="Hello", stream=True))
        assert [event.sequence_number for event in events] == list(range(len(events)))
        text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
        assert events[0].type == "response.created"
        assert events[-1].type == "response.completed"
        assert events[-1].response.output_text == text == "You said: Hello"
        assert events[-1].response.usage.total_tokens > 0

    def test_reasoning_comes_first_with_its_proof(self, chat):
        include = ["reasoning.encrypted_content"]
        asked = {"model": "sim", "input": "Hi", "reasoning": {"effort": "low", "summary": "auto"}}
        answer = chat.responses.create(**asked, include=include)
        assert [item.type for item in answer.output] == ["reasoning", "message"]
        assert answer.output[0].encrypted_content
        added = [e.item for e in chat.responses.create(**asked, stream=True) if e.type.endswith("item.added")]
        assert [(item.type, item.id[:3]) for item in added] == [("reasoning", "rs_"), ("message", "msg")]

    def test_function_and_custom_tools_are_called(self, chat):
        tools = [
            {"type": "function", "name": "weather", "parameters": WEATHER, "strict": False},
            {"type": "custom", "name": "patch"},
        ]
        asked = {"model": "sim", "input": "use the tool weather, use the tool patch", "tools": tools}
        answer = chat.responses.create(**asked)
        assert [item.type for item in answer.output] == ["function_call", "custom_tool_call"]
        done = [
            event for event in chat.responses.create(**asked, stream=True) if event.type.endswith(".done")
        ]
        assert done[0].type == "response.function_call_arguments.done"
        assert json.loads(done[0].arguments) == {"city": "sample"}
        history = [
            {"role": "user", "content": asked["input"]},
            answer.output[0].model_dump(exclude_none=True),
            {"type": "function_call_output", "call_id": answer.output[0].call_id, "output": "sunny"},
        ]
        assert isinstance(answer.output[0], ResponseFunctionToolCall)
        answer = chat.responses.create(model="sim", input=history, tools=tools)
        assert answer.output_text == "The tool said: sunny"

    def test_too_long_an_answer_is_incomplete(self, chat):
        answer = chat.responses.create(model="sim", input="one two three", max_output_tokens=2)
        assert (answer.status, answer.incomplete_details.reason) == ("incomplete", "max_output_tokens")

    def test_structured_output_and_token_count(self, chat):
        wanted = {"format": {"type": "json_schema", "name": "person", "schema": PERSON}}
        answer = chat.responses.create(model="sim", input="Hi", text=wanted)
        assert json.loads(answer.output_text) == {"name": "sample", "age": 7}
        counted = chat.responses.input_tokens.count(model="sim", input="Hi")
        assert counted.input_tokens == chat.responses.create(model="sim", input="Hi").usage.input_tokens


class TestAnthropic:
    def test_a_stream_folds_into_the_whole_answer(self, claude):
        whole = claude.messages.create(model="sim", max_tokens=99, messages=HELLO)
        with claude.messages.stream(model="sim", max_tokens=99, messages=HELLO) as stream:
            folded = stream.get_final_message()
        assert whole.content[0].text == folded.content[0].text == "You said: Hello there"
        assert whole.stop_reason == folded.stop_reason == "end_turn"
        assert whole.usage.output_tokens == folded.usage.output_tokens == 4

    def test_thinking_is_signed_alike_streamed_and_whole(self, claude):
        asked = {"model": "sim", "max_tokens": 4000, "messages": HELLO}
        asked["thinking"] = {"type": "enabled", "budget_tokens": 2000}
        whole = claude.messages.create(**asked)
        with claude.messages.stream(**asked) as stream:
            folded = stream.get_final_message()
        assert whole.content[0].type == "thinking"
        assert whole.content[0] == folded.content[0]

    def test_it_calls_tools_and_takes_their_results(self, claude):
        tools = [{"name": "weather", "input_schema": WEATHER}]
        messages: list[Any] = [{"role": "user", "content": ASK_TOOL}]
        with claude.messages.stream(model="sim", max_tokens=99, messages=messages, tools=tools) as stream:
            answer = stream.get_final_message()
        (block,) = answer.content
        assert isinstance(block, ToolUseBlock)
        assert answer.stop_reason == "tool_use"
        assert block.input == {"city": "Köln", "n": 12345678901234567890}
        result = {"type": "tool_result", "tool_use_id": block.id, "content": "sunny"}
        messages.append({"role": "assistant", "content": [block.model_dump(exclude_none=True)]})
        messages.append({"role": "user", "content": [result]})
        answer = claude.messages.create(model="sim", max_tokens=99, messages=messages, tools=tools)
        assert answer.content[0].text == "The tool said: sunny"

    def test_it_counts_lists_stops_and_fits_schemas(self, claude):
        counted = claude.messages.count_tokens(model="sim", messages=HELLO)
        answer = claude.messages.create(model="sim", max_tokens=99, messages=HELLO, stop_sequences=["there"])
        assert counted.input_tokens == answer.usage.input_tokens
        assert (answer.stop_reason, answer.stop_sequence) == ("stop_sequence", "there")
        assert claude.models.list().data[0].id == "sim"
        assert claude.models.retrieve("sim").id == "sim"
        wanted = {"format": {"type": "json_schema", "schema": PERSON}}
        answer = claude.messages.create(model="sim", max_tokens=99, messages=HELLO, output_config=wanted)
        assert json.loads(answer.content[0].text) == {"name": "sample", "age": 7}


class TestGemini:
    def test_a_stream_says_the_same_as_the_whole_answer(self, gemini):
        whole = gemini.models.generate_content(model="sim", contents="Hello there")
        chunks = list(gemini.models.generate_content_stream(model="sim", contents="Hello there"))
        assert whole.text == "".join(chunk.text for chunk in chunks) == "You said: Hello there"
        assert chunks[-1].candidates[0].finish_reason == types.FinishReason.STOP
        assert chunks[-1].usage_metadata == whole.usage_metadata

    def test_without_sse_a_stream_is_one_json_array(self, simulator):
        url = f"{simulator.gemini_url}/models/sim:streamGenerateContent"
        answer = httpx.post(url, json={"contents": [{"parts": [{"text": "Hello there"}]}]}).json()
        texts = [chunk["candidates"][0]["content"]["parts"][0]["text"] for chunk in answer]
        assert texts == ["You ", "said: ", "Hello ", "there"]

    def test_it_calls_functions_with_a_thought_signature(self, gemini):
        declared = types.FunctionDeclaration(name="weather", parameters_json_schema=WEATHER)
        config = types.GenerateContentConfig(
            tools=[types.Tool(function_declarations=[declared])],
            automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
            thinking_config=types.ThinkingConfig(include_thoughts=True, thinking_budget=1024),
        )
        answer = gemini.models.generate_content(model="sim", contents="use the tool weather", config=config)
        thought, call = answer.candidates[0].content.parts
        assert thought.thought
        assert call.function_call.args == {"city": "sample"}
        assert call.thought_signature
        assert answer.usage_metadata.thoughts_token_count == 9
        part = types.Part.from_function_response(name="weather", response={"result": "sunny"})
        history = [
            types.UserContent("use the tool weather"),
            answer.candidates[0].content,
            types.Content(role="user", parts=[part]),
        ]
        answer = gemini.models.generate_content(model="sim", contents=history, config=config)
        assert answer.text == 'The tool said: {"result": "sunny"}'

    def test_candidates_schema_logprobs_and_limits(self, gemini):
        config: dict[str, Any] = {"candidate_count": 2, "response_logprobs": True, "logprobs": 1}
        answer = gemini.models.generate_content(model="sim", contents="Hi", config=config)
        assert [candidate.index for candidate in answer.candidates] == [0, 1]
        chosen = answer.candidates[0].logprobs_result.chosen_candidates
        assert "".join(token.token for token in chosen) == "You said: Hi"
        config = {"response_mime_type": "application/json", "response_schema": PERSON | {"type": "OBJECT"}}
        config["response_schema"].pop("additionalProperties")
        answer = gemini.models.generate_content(model="sim", contents="Hi", config=config)
        assert json.loads(answer.text) == {"name": "sample", "age": 7}
        answer = gemini.models.generate_content(model="sim", contents="Hi", config={"max_output_tokens": 1})
        assert answer.candidates[0].finish_reason == types.FinishReason.MAX_TOKENS

    def test_it_counts_and_lists(self, gemini):
        assert gemini.models.count_tokens(model="sim", contents="Hi").total_tokens == 4
        assert next(iter(gemini.models.list())).name == "models/sim"
        assert gemini.models.get(model="sim").name == "models/sim"


def test_the_three_model_lists_share_a_path(simulator):
    url = f"{simulator.url}/v1/models"
    assert httpx.get(url).json()["object"] == "list"
    assert httpx.get(url, headers={"anthropic-version": "2023-06-01"}).json()["has_more"] is False
    assert "models" in httpx.get(url, headers={"x-goog-api-key": "k"}).json()
