import base64
import struct

from gateway.wire import ir
from gateway.wire.tokens import estimate


def ask(*parts: ir.Part, **fields) -> int:
    return estimate(ir.Request("m", [ir.Message("user", list(parts))], **fields))


def png(width: int, height: int) -> str:
    head = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + struct.pack(">II", width, height) + bytes(20)
    return base64.b64encode(head).decode()


def jpeg(width: int, height: int) -> str:
    start = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + bytes(9)
    frame = b"\xff\xc0\x00\x11\x08" + struct.pack(">HH", height, width) + bytes(12)
    return base64.b64encode(start + frame).decode()


def test_english_is_about_four_characters_a_token():
    assert 1000 <= ask(ir.Text("word" * 1000)) <= 1020


def test_a_short_question_costs_what_the_vendors_count():
    """Anthropic counts 14."""
    assert 11 <= ask(ir.Text("What is the capital of France?")) <= 17


def test_chinese_and_cyrillic_letters_cost_more_than_latin_ones():
    latin, cyrillic, chinese = (ask(ir.Text(letter * 400)) for letter in "aж漢")
    assert latin < cyrillic < chinese
    assert 350 <= chinese <= 450


def test_lone_surrogates_are_counted_like_anything_else():
    assert ask(ir.Text("cut \ud83d")) > 0


def test_an_image_costs_by_its_pixels_up_to_a_limit():
    empty = ask()
    assert ask(ir.Image("image/png", png(750, 1000))) - empty == 1000
    assert ask(ir.Image("image/jpeg", jpeg(300, 500))) - empty == 200
    assert ask(ir.Image("image/png", png(4000, 4000))) - empty == 1600
    assert ask(ir.Image(url="https://example.com/a.png")) - empty == 1600
    assert ask(ir.Image("image/png", "not base64!")) - empty == 1600


def test_a_document_costs_by_its_size():
    small = ask(ir.File("application/pdf", "JVBERi0="))
    assert ask(ir.File("application/pdf", "A" * 800_000)) > 5 * small
    assert ask(ir.File(text="word" * 100)) < 120


def test_tools_their_schemas_and_the_answers_schema_count():
    schema = {"type": "object", "properties": {f"field_{n}": {"type": "string"} for n in range(50)}}
    with_tools = ask(ir.Text("x"), tools=[ir.Tool("search", "Searches", schema)])
    assert with_tools > ask(ir.Text("x"), tools=[ir.Tool("search")]) + 200
    assert ask(ir.Text("x"), response_format=ir.ResponseFormat("json_schema", schema=schema)) > 200


def test_everything_of_the_conversation_counts():
    parts: list[ir.Part] = [
        ir.Reasoning("thought " * 50, redacted="x" * 40),
        ir.ToolCall("1", "f", '{"a": "' + "b" * 400 + '"}'),
        ir.ToolResult("1", [ir.Text("r" * 400)]),
        ir.Refusal("n" * 400),
        ir.Audio("audio/mpeg", "A" * 4000),
        ir.Unknown("gemini", "code", {"code": "c" * 400}),
    ]
    for part in parts:
        assert ask(part) > ask(ir.Text("")) + 5, part


def test_the_instructions_count():
    assert ask(system=[ir.Text("word" * 100)]) >= 100


def test_it_is_never_zero():
    assert estimate(ir.Request("m", [])) >= 1
