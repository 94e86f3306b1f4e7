from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from providers import catalog, overlay
from providers.checks import check_overlay
from providers.endpoints import choose_endpoint
from providers.families import profile_of
from providers.spec import ProviderSpec
from tests.services import ROOT

DOC = ROOT / "docs" / "providers-overlay.md"
EXAMPLES = re.findall(r"```toml\n(.*?)```", DOC.read_text(), re.DOTALL)


def load(file: Path, text: str) -> dict[str, ProviderSpec]:
    file.write_text(text)
    return overlay.apply(catalog.builtin(), file)


def test_an_absent_file_leaves_the_catalog_as_it_is(tmp_path: Path) -> None:
    assert overlay.apply(catalog.builtin(), tmp_path / "none.toml") == dict(catalog.builtin())


def test_an_empty_file_leaves_the_catalog_as_it_is(tmp_path: Path) -> None:
    assert load(tmp_path / "o.toml", "") == dict(catalog.builtin())


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_every_example_of_the_documentation_loads(number: int, tmp_path: Path) -> None:
    text = EXAMPLES[number]
    if "quirks" in text:  # about the provider of the example before
        text = EXAMPLES[number - 1] + text
    assert load(tmp_path / "o.toml", text)


def test_the_documentation_has_examples_and_they_do_what_it_says(tmp_path: Path) -> None:
    specs = load(tmp_path / "o.toml", EXAMPLES[0])
    assert {each.base_url for each in specs["openai"].endpoints} == {"https://llm.example.com/openai/v1"}
    assert all(each.headers == {"x-team": "research"} for each in specs["openai"].endpoints)
    assert specs["groq"].upstream_model("fast") == "openai/gpt-oss-20b"
    assert specs["groq"].model_spec("llama-3.1-8b-instant") is None
    assert profile_of(specs["groq"], "qwen/qwen4-72b").max_output_tokens == 32_768
    assert specs["perplexity"].status == "deprecated"
    assert specs["nvidia"].timeout_first_event_s == 120


def test_the_documentation_names_every_key() -> None:
    text = DOC.read_text()
    from dataclasses import fields

    from providers.oauth.spec import OAuthSpec
    from providers.spec import Endpoint, ErrorRule, ModelSpec, Quirk, Validation

    for kind in (ProviderSpec, Endpoint, ErrorRule, ModelSpec, Quirk, Validation, OAuthSpec):
        for each in fields(kind):
            assert re.search(rf"\b{each.name}\b", text), f"{kind.__name__}.{each.name}"


def test_a_host_replaces_the_host_of_every_endpoint(tmp_path: Path) -> None:
    table = "".join(f'[providers.{id}]\nbase_url = "http://127.0.0.1:9"\n' for id in catalog.builtin())
    specs = load(tmp_path / "o.toml", table)
    for id, spec in specs.items():
        assert len(spec.endpoints) == len(catalog.builtin()[id].endpoints)
        assert all(each.base_url.startswith("http://127.0.0.1:9") for each in spec.endpoints)
    assert [each.base_url for each in specs["deepseek"].endpoints] == [
        "http://127.0.0.1:9/v1",
        "http://127.0.0.1:9/anthropic/v1",
    ]


def test_a_sign_in_keeps_what_the_file_does_not_name(tmp_path: Path) -> None:
    text = '[providers.claude.oauth]\ntoken_url = "http://127.0.0.1:9/token"\nscopes = ["user:inference"]'
    changed, builtin = load(tmp_path / "o.toml", text)["claude"].oauth, catalog.builtin()["claude"].oauth
    assert changed
    assert builtin
    assert (changed.token_url, changed.scopes) == ("http://127.0.0.1:9/token", ("user:inference",))
    assert (changed.client_id, changed.authorize_url) == (builtin.client_id, builtin.authorize_url)


def test_a_new_provider_needs_no_more_than_an_address(tmp_path: Path) -> None:
    spec = load(tmp_path / "o.toml", '[providers.acme]\nbase_url = "http://acme:8000/v1"')["acme"]
    assert (spec.name, spec.shown_prefix) == ("acme", "acme")
    assert choose_endpoint(spec).format == "openai_chat"
    anthropic = load(
        tmp_path / "o.toml",
        '[providers.acme]\nbase_url="http://acme/v1"\nformat="anthropic_messages"\nauth="x-api-key"',
    )["acme"].endpoints[0]
    assert (anthropic.format, anthropic.auth) == ("anthropic_messages", "x-api-key")


def test_lists_can_be_replaced_added_to_and_taken_from(tmp_path: Path) -> None:
    specs = load(
        tmp_path / "o.toml",
        """
        [providers.kimi]
        models = ["only"]
        aliases.add = ["moon"]
        aliases.remove = ["moonshot"]
        validation = { probe = "/models" }
        [providers.deepseek]
        endpoints.remove = ["https://api.deepseek.com/anthropic/v1"]
        models.add = [{ id = "deepseek-chat", max_output_tokens = 5 }]
        """,
    )
    assert [model.id for model in specs["kimi"].models] == ["only"]
    assert specs["kimi"].aliases == ("moonshotai", "moon")
    assert specs["kimi"].validation.probe == "/models"
    assert [each.format for each in specs["deepseek"].endpoints] == ["openai_chat"]
    assert [m.max_output_tokens for m in specs["deepseek"].models if m.id == "deepseek-chat"] == [5]


BAD = [
    ("x = [", "not valid TOML", ""),
    ("[provider.groq]", "unknown key", "provider"),
    ("providers = 5", "expected a table, got a whole number", "providers"),
    ("[providers]\ngroq = 5", "expected a table", "providers.groq"),
    ('[providers.groq]\nbaseurl = "x"', "unknown key", "providers.groq.baseurl"),
    ('[providers.groq]\nid = "x"', "unknown key", "providers.groq.id"),
    ("[providers.groq]\nbase_url = 5", "expected a text, got a whole number", "providers.groq.base_url"),
    ('[providers.groq]\nbase_url = "ftp://x"', "is not an address", "providers.groq.base_url"),
    ('[providers.groq]\nbase_url = "http://x/v1?key=1"', "is not an address", "providers.groq.base_url"),
    ('[providers.groq]\nauth = "beerer"', "unknown value 'beerer'; known: bearer,", "providers.groq.auth"),
    ('[providers.groq]\ntier = "x"', "unknown value 'x'", "providers.groq.tier"),
    ('[providers.groq]\nstatus = "x"', "unknown value 'x'", "providers.groq.status"),
    (
        '[providers.groq]\ntimeout_first_event_s = "x"',
        "expected a number",
        "providers.groq.timeout_first_event_s",
    ),
    (
        '[providers.groq]\nendpoints = [{ format = "openai_chat", base_url = "http://x/v1", auth = "foo" }]',
        "unknown value 'foo'; known: bearer",
        "providers.groq.endpoints[0].auth",
    ),
    (
        '[providers.groq]\nendpoints = [{ format = "openai", base_url = "http://x/v1" }]',
        "unknown wire format 'openai'; known: openai_chat",
        "providers.groq.endpoints[0].format",
    ),
    (
        '[providers.groq]\nendpoints = [{ format = "openai_chat", base_url = "x" }]',
        "is not an address",
        "providers.groq.endpoints[0].base_url",
    ),
    (
        '[providers.groq]\nendpoints = [{ format = "openai_chat" }]',
        "missing required field `base_url`",
        "providers.groq.endpoints[0]",
    ),
    (
        '[providers.groq]\nendpoints = [{ formats = "x" }]',
        "unknown key",
        "providers.groq.endpoints[0].formats",
    ),
    ("[providers.groq]\nendpoints = []", "there is none", "providers.groq.endpoints"),
    (
        '[providers.groq]\nheaders = { "a b" = "c" }',
        "cannot carry 'a b'",
        "providers.groq.endpoints[0].headers",
    ),
    ('[providers.groq]\nheaders = { a = "c\\n" }', "cannot carry 'a'", "providers.groq.endpoints[0].headers"),
    (
        '[[providers.groq.endpoints]]\nformat = "gemini"\nbase_url = "http://x"\nforward_headers = ["cookie"]',
        "cannot be forwarded",
        "providers.groq.endpoints[0].forward_headers",
    ),
    ("[providers.groq]\nmodels = 5", "expected a list", "providers.groq.models"),
    ('[providers.groq]\nmodels = ["a", "a"]', "'a' is there twice", "providers.groq.models"),
    ('[providers.groq]\nmodels.delete = ["a"]', "unknown key", "providers.groq.models.delete"),
    ('[providers.groq]\nmodels.remove = ["a"]', "there is no 'a'", "providers.groq.models.remove"),
    (
        '[providers.groq]\nmodels.add = ["a", { id = "b", context_window = "big" }]',
        "expected a whole number, got a text",
        "providers.groq.models.add[1].context_window",
    ),
    ("[providers.groq]\nmodel_aliases = { a = 1 }", "expected a text", "providers.groq.model_aliases"),
    ("[providers.groq]\nvalidation = { prob = 1 }", "unknown key", "providers.groq.validation.prob"),
    ("[providers.groq]\nvalidation = 1", "expected a table", "providers.groq.validation"),
    (
        '[providers.groq]\nquirks = [{ drop = ["model"] }]',
        "cannot be taken out",
        "providers.groq.quirks[0].drop",
    ),
    (
        '[providers.groq]\nquirks = [{ rename = { stream = "s" } }]',
        "cannot be",
        "providers.groq.quirks[0].rename",
    ),
    (
        '[providers.groq]\nquirks = [{ tools = ["x"] }]',
        "unknown edit 'x'; known:",
        "providers.groq.quirks[0].tools",
    ),
    (
        '[providers.groq]\nquirks = [{ formats = ["x"] }]',
        "unknown format 'x'",
        "providers.groq.quirks[0].formats",
    ),
    ("[providers.groq]\nquirks = [{ clamp = { t = [1] } }]", "length 2", "providers.groq.quirks[0].clamp"),
    ('[providers.acme]\nname = "Acme"', "there is none; give base_url", "providers.acme.endpoints"),
    (
        '[providers.acme]\nbase_url = "http://x"\nprefix = "groq"',
        "'groq' means groq",
        "providers.acme.prefix",
    ),
    (
        '[providers.acme]\nbase_url = "http://x"\naliases = ["DS"]',
        "'ds' means deepseek",
        "providers.acme.aliases",
    ),
    ('[providers."a/b"]\nbase_url = "http://x"', "cannot stand before the slash", "providers.a/b.prefix"),
]


@pytest.mark.parametrize(("text", "reason", "key"), BAD)
def test_a_mistake_is_named_with_file_key_and_reason(
    text: str, reason: str, key: str, tmp_path: Path
) -> None:
    file = tmp_path / "o.toml"
    with pytest.raises(ImproperlyConfigured) as caught:
        load(file, text)
    message = str(caught.value)
    assert message.startswith(f"{file}: {key}")
    assert reason in message
    assert "\n" not in message


def test_an_unreadable_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ImproperlyConfigured, match="cannot be read"):
        overlay.apply(catalog.builtin(), tmp_path)
    (tmp_path / "o.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ImproperlyConfigured, match="cannot be read"):
        overlay.apply(catalog.builtin(), tmp_path / "o.toml")


def test_the_catalog_reads_the_file_of_the_settings(overlay_file: Path) -> None:
    overlay_file.write_text('[providers.groq]\nname = "Fast"')
    assert catalog.load()["groq"].name == "Fast"


def test_the_system_check_says_it_in_one_line(overlay_file: Path) -> None:
    assert check_overlay() == []
    overlay_file.write_text('[providers.groq]\ntier = "x"')
    catalog.load.cache_clear()
    (error,) = check_overlay()
    assert error.msg == f"{overlay_file}: providers.groq.tier: unknown value 'x'; known: " + (
        "subscription, api_key, cheap, free, custom"
    )


def test_omniroute_check_fails_without_a_traceback(tmp_path: Path) -> None:
    file = tmp_path / "providers.toml"
    file.write_text("[providers.groq]\nbase_url = 5")
    result = subprocess.run(
        [sys.executable, "-m", "omniroute", "check"],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "DATA_DIR": str(tmp_path), "OMNIROUTE_PROVIDERS_FILE": str(file)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert result.returncode != 0
    assert f"{file}: providers.groq.base_url: expected a text" in result.stderr
    assert "Traceback" not in result.stderr
