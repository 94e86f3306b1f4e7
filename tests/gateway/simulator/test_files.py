"""`MAKEFILE <path> <word>`: the simulator writes a file with whatever tools a coding program offers."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from gateway.simulator import file_task
from gateway.simulator.behavior import Behavior
from gateway.simulator.formats.anthropic import AnthropicMessages
from gateway.simulator.formats.gemini import Gemini
from gateway.simulator.formats.openai_chat import OpenAIChat
from gateway.simulator.formats.openai_responses import OpenAIResponses

TEXT = 'it\'s\n"two" lines: 100% \\n 🎉'
PROMPT = "MAKEFILE /tmp/a.txt it%27s%0A%22two%22%20lines%3A%20100%25%20%5Cn%20%F0%9F%8E%89"


def schema(*required: str, **properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {name: {"type": "string"} for name in required} | properties,
        "required": list(required),
    }


def chat(*messages: dict[str, Any], **tools: dict[str, Any]) -> dict[str, Any]:
    offers = [{"type": "function", "function": {"name": n, "parameters": s}} for n, s in tools.items()]
    body = {"model": "m", "messages": [{"role": "user", "content": PROMPT}, *messages], "tools": offers}
    reply = OpenAIChat().reply(body, Behavior())
    message: dict[str, Any] = OpenAIChat().whole(reply)["choices"][0]["message"]
    return message


def called(message: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    (call,) = message["tool_calls"]
    return call["function"]["name"], json.loads(call["function"]["arguments"])


def test_a_tool_that_writes_files_goes_before_a_shell():
    tools = {"bash": schema("command"), "Write": schema("file_path", "content", extra={"type": "string"})}
    assert called(chat(**tools)) == ("Write", {"file_path": "/tmp/a.txt", "content": TEXT})


@pytest.mark.parametrize(
    ("name", "parameters", "command"),
    [
        ("exec_command", schema("cmd"), lambda arguments: arguments["cmd"]),
        ("bash", schema("command", "description"), lambda arguments: arguments["command"]),
        (
            "run_commands",
            {
                "type": "object",
                "properties": {"commands": {"type": "array", "items": {"type": "string"}}},
                "required": ["commands"],
            },
            lambda arguments: arguments["commands"][0],
        ),
    ],
)
def test_a_shell_command_writes_it_byte_for_byte(name, parameters, command, tmp_path: Path):
    _, arguments = called(chat(**{name: parameters}))
    file = tmp_path / "a.txt"
    subprocess.run(["bash", "-c", command(arguments).replace("/tmp/a.txt", str(file))], check=True)
    assert file.read_text() == TEXT


def test_with_a_result_it_is_done_whatever_the_user_says_behind_it():
    call = {"id": "c", "type": "function", "function": {"name": "write", "arguments": "{}"}}
    history: list[dict[str, Any]] = [
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c", "content": "written"},
        {"role": "user", "content": "Context: none"},
    ]
    assert chat(*history, write=schema("path", "content"))["content"] == "The tool said: written"


def test_without_such_a_tool_it_answers_in_words():
    assert chat(weather=schema("city"))["content"] == f"You said: {PROMPT}"


def test_a_program_without_tools_gets_its_edit_as_text():
    body = {
        "model": "m",
        "messages": [
            {"role": "system", "content": "Answer with *SEARCH/REPLACE* blocks."},
            {"role": "user", "content": PROMPT},
        ],
    }
    text = OpenAIChat().whole(OpenAIChat().reply(body, Behavior()))["choices"][0]["message"]["content"]
    assert text == f"/tmp/a.txt\n```\n<<<<<<< SEARCH\n=======\n{TEXT}\n>>>>>>> REPLACE\n```\n"


def test_a_tool_that_takes_javascript_gets_a_script():
    tool = {"type": "custom", "name": "exec"}
    body = {"model": "m", "input": PROMPT, "tools": [{"type": "namespace", "name": "f", "tools": [tool]}]}
    (item,) = OpenAIResponses().whole(OpenAIResponses().reply(body, Behavior()))["output"]
    assert item["type"] == "custom_tool_call"
    assert item["input"].startswith("const done = await tools.exec_command(")


def test_every_format_asks_for_it_alike():
    tool = schema("path", "content")
    bodies: dict[Any, dict[str, Any]] = {
        AnthropicMessages(): {
            "model": "m",
            "max_tokens": 9,
            "messages": [{"role": "user", "content": PROMPT}],
            "tools": [{"name": "write", "input_schema": tool}],
        },
        Gemini("m", False, True): {
            "contents": [{"parts": [{"text": PROMPT}]}],
            "tools": [{"functionDeclarations": [{"name": "write", "parameters": tool}]}],
        },
        OpenAIResponses(): {
            "model": "m",
            "input": PROMPT,
            "tools": [{"type": "function", "name": "write", "parameters": tool}],
        },
    }
    for dialect, body in bodies.items():
        (call,) = dialect.reply(body, Behavior()).answers[0].calls
        assert (call.name, json.loads(call.arguments)) == ("write", {"path": "/tmp/a.txt", "content": TEXT})


@pytest.mark.parametrize(
    ("text", "content"),
    [("MAKEFILE a b.", "b"), ("please MAKEFILE a b%ZZ", "b"), ("MAKEFILE a", None), ("MAKEFILE a %", None)],
)
def test_only_a_whole_marker_counts(text: str, content: str | None):
    task = file_task.find(text)
    assert (task and task.content) == content
