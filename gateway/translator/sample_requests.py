"""Requests as clients of each format write them, by feature. The prompts are such that the simulated provider acts
upon them: `use the tool NAME with {...}` makes it call."""

from __future__ import annotations

from typing import Any

from omniroute.types import JSONDict

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
"""A PNG of one pixel."""
SYSTEM = "Answer in one sentence."
HELLO = "What is the capital of Norway?"
ASK_WEATHER = 'Use the tool get_weather with {"city": "Oslo", "days": 2}'
ASK_BOTH = (
    'Use the tool get_weather with {"city": "Oslo", "days": 2} and use the tool get_time with {"zone": "CET"}'
)
RESULT = '{"celsius": 4}'
WEATHER: JSONDict = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer", "minimum": 1, "maximum": 7}},
    "required": ["city", "days"],
}
TIME: JSONDict = {"type": "object", "properties": {"zone": {"type": "string"}}, "required": ["zone"]}
TOOLS = {"get_weather": ("The weather of a city", WEATHER), "get_time": ("The time in a zone", TIME)}
PERSON: JSONDict = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name", "age"],
    "additionalProperties": False,
}
LOOK = "What is on this picture?"
MAKE_UP = "Make up a person"
RIDDLE = "A bat and a ball cost 1.10. The bat costs 1 more than the ball. What does the ball cost?"


def _chat(text: Any, **more: Any) -> JSONDict:
    return {"messages": [{"role": "user", "content": text}], **more}


def _claude(text: Any, **more: Any) -> JSONDict:
    return {"max_tokens": 1024, **_chat(text), **more}


def _gemini(*parts: JSONDict, **more: Any) -> JSONDict:
    return {"contents": [{"role": "user", "parts": list(parts)}], **more}


_CHAT_TOOLS = [
    {"type": "function", "function": {"name": name, "description": said, "parameters": schema}}
    for name, (said, schema) in TOOLS.items()
]
_RESPONSES_TOOLS = [
    {"type": "function", "name": name, "description": said, "parameters": schema, "strict": False}
    for name, (said, schema) in TOOLS.items()
]
_CLAUDE_TOOLS = [
    {"name": name, "description": said, "input_schema": schema} for name, (said, schema) in TOOLS.items()
]
_GEMINI_TOOLS = [
    {
        "functionDeclarations": [
            {"name": name, "description": said, "parametersJsonSchema": schema}
            for name, (said, schema) in TOOLS.items()
        ]
    }
]
_CALLED = {
    "id": "call_1",
    "type": "function",
    "function": {"name": "get_weather", "arguments": '{"city": "Oslo"}'},
}

CHAT = {
    "text": _chat(HELLO, temperature=0.2, max_completion_tokens=1024),
    "system": {"messages": [{"role": "system", "content": SYSTEM}, {"role": "user", "content": HELLO}]},
    "turns": {
        "messages": [
            {"role": "user", "content": "My name is Kari."},
            {"role": "assistant", "content": "Hello Kari!"},
            {"role": "user", "content": "What is my name?"},
        ]
    },
    "tools": _chat(ASK_WEATHER, tools=_CHAT_TOOLS, tool_choice="auto"),
    "parallel": _chat(ASK_BOTH, tools=_CHAT_TOOLS, parallel_tool_calls=True),
    "results": {
        "messages": [
            {"role": "user", "content": ASK_WEATHER},
            {"role": "assistant", "content": None, "tool_calls": [_CALLED]},
            {"role": "tool", "tool_call_id": "call_1", "content": RESULT},
        ],
        "tools": _CHAT_TOOLS,
    },
    "image": _chat(
        [
            {"type": "text", "text": LOOK},
            {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}},
        ]
    ),
    "structured": _chat(
        MAKE_UP,
        response_format={
            "type": "json_schema",
            "json_schema": {"name": "person", "schema": PERSON, "strict": True},
        },
    ),
    "thinking": _chat(RIDDLE, reasoning_effort="medium"),
}

RESPONSES: dict[str, JSONDict] = {
    "text": {"input": HELLO, "temperature": 0.2, "max_output_tokens": 1024},
    "system": {"instructions": SYSTEM, "input": HELLO},
    "turns": {
        "input": [
            {"role": "user", "content": "My name is Kari."},
            {"role": "assistant", "content": [{"type": "output_text", "text": "Hello Kari!"}]},
            {"role": "user", "content": [{"type": "input_text", "text": "What is my name?"}]},
        ],
        "store": False,
    },
    "tools": {"input": ASK_WEATHER, "tools": _RESPONSES_TOOLS, "tool_choice": "auto"},
    "parallel": {"input": ASK_BOTH, "tools": _RESPONSES_TOOLS, "parallel_tool_calls": True},
    "results": {
        "input": [
            {"role": "user", "content": ASK_WEATHER},
            {
                "type": "function_call",
                "call_id": "call_1",
                "name": "get_weather",
                "arguments": '{"city": "Oslo"}',
            },
            {"type": "function_call_output", "call_id": "call_1", "output": RESULT},
        ],
        "tools": _RESPONSES_TOOLS,
    },
    "image": {
        "input": [
            {
                "role": "user",
                "content": [
                    {"type": "input_text", "text": LOOK},
                    {"type": "input_image", "image_url": f"data:image/png;base64,{PIXEL}"},
                ],
            }
        ]
    },
    "structured": {
        "input": MAKE_UP,
        "text": {"format": {"type": "json_schema", "name": "person", "schema": PERSON, "strict": True}},
    },
    "thinking": {"input": RIDDLE, "reasoning": {"effort": "medium", "summary": "auto"}},
}

CLAUDE: dict[str, JSONDict] = {
    "text": _claude(HELLO, temperature=0.2),
    "system": _claude(HELLO, system=SYSTEM),
    "turns": {"max_tokens": 1024, **CHAT["turns"]},
    "tools": _claude(ASK_WEATHER, tools=_CLAUDE_TOOLS, tool_choice={"type": "auto"}),
    "parallel": _claude(ASK_BOTH, tools=_CLAUDE_TOOLS),
    "results": {
        "max_tokens": 1024,
        "messages": [
            {"role": "user", "content": ASK_WEATHER},
            {
                "role": "assistant",
                "content": [
                    {"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": {"city": "Oslo"}}
                ],
            },
            {
                "role": "user",
                "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": RESULT}],
            },
        ],
        "tools": _CLAUDE_TOOLS,
    },
    "image": _claude(
        [
            {"type": "text", "text": LOOK},
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}},
        ]
    ),
    "structured": _claude(MAKE_UP, output_config={"format": {"type": "json_schema", "schema": PERSON}}),
    "thinking": {
        **_claude(RIDDLE),
        "max_tokens": 8192,
        "thinking": {"type": "enabled", "budget_tokens": 4096},
    },
}

GEMINI = {
    "text": _gemini({"text": HELLO}, generationConfig={"temperature": 0.2, "maxOutputTokens": 1024}),
    "system": _gemini({"text": HELLO}, systemInstruction={"parts": [{"text": SYSTEM}]}),
    "turns": {
        "contents": [
            {"role": "user", "parts": [{"text": "My name is Kari."}]},
            {"role": "model", "parts": [{"text": "Hello Kari!"}]},
            {"role": "user", "parts": [{"text": "What is my name?"}]},
        ]
    },
    "tools": _gemini({"text": ASK_WEATHER}, tools=_GEMINI_TOOLS),
    "parallel": _gemini({"text": ASK_BOTH}, tools=_GEMINI_TOOLS),
    "results": {
        "contents": [
            {"role": "user", "parts": [{"text": ASK_WEATHER}]},
            {"role": "model", "parts": [{"functionCall": {"name": "get_weather", "args": {"city": "Oslo"}}}]},
            {
                "role": "user",
                "parts": [{"functionResponse": {"name": "get_weather", "response": {"celsius": 4}}}],
            },
        ],
        "tools": _GEMINI_TOOLS,
    },
    "image": _gemini({"text": LOOK}, {"inlineData": {"mimeType": "image/png", "data": PIXEL}}),
    "structured": _gemini(
        {"text": MAKE_UP},
        generationConfig={"responseMimeType": "application/json", "responseJsonSchema": PERSON},
    ),
    "thinking": _gemini(
        {"text": RIDDLE},
        generationConfig={"thinkingConfig": {"thinkingBudget": 4096, "includeThoughts": True}},
    ),
}

COMPLETIONS = {"text": {"prompt": HELLO, "max_tokens": 256}}

REQUESTS: dict[str, dict[str, JSONDict]] = {
    "openai_chat": CHAT,
    "openai_responses": RESPONSES,
    "anthropic_messages": CLAUDE,
    "gemini": GEMINI,
    "openai_completions": COMPLETIONS,
}
"""Without the model, which `samples.request` adds where the format has it in the body."""
