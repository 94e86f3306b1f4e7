"""Data URIs, media types by first bytes, audio formats."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.wire import media


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("data:image/png;base64,aGk=", ("image/png", "aGk=")),
        ("DATA:Image/PNG;BASE64,aGk=", ("image/png", "aGk=")),
        ("data:text/plain;charset=utf-8;base64,aGk", ("text/plain", "aGk=")),
        ("data:image/jpeg;base64,_-\n8=", ("image/jpeg", "/+8=")),
        ("data:image/png;base64,aGk%3D", ("image/png", "aGk=")),
        ("data:,hi%20there", ("text/plain", base64.b64encode(b"hi there").decode())),
        ("https://example.com/a.png", None),
        ("data:broken", None),
    ],
)
def test_it_reads_data_uris(url, wanted):
    assert media.parse_data_uri(url) == wanted


@given(st.binary())
def test_a_data_uri_comes_back_whole(content):
    encoded = base64.b64encode(content).decode()
    parsed = media.parse_data_uri(media.build_data_uri("application/pdf", encoded))
    assert parsed == ("application/pdf", encoded)
    assert media.decode_base64(encoded) == content


@pytest.mark.parametrize(
    ("head", "wanted"),
    [
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"GIF89a", "image/gif"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"),
        (b"RIFF\x00\x00\x00\x00WAVEfmt ", None),
        (b"\x00\x00\x00\x18ftypheic", "image/heic"),
        (b"%PDF-1.7", "application/pdf"),
        (b"hello", None),
        (b"", None),
    ],
)
def test_it_knows_images_by_their_first_bytes(head, wanted):
    assert media.sniff(base64.b64encode(head + b"\x00" * 40 if head else b"").decode()) == wanted


def test_a_wrong_label_is_corrected():
    jpeg = base64.b64encode(b"\xff\xd8\xff" + b"\x00" * 30).decode()
    assert media.image_type("image/png", jpeg) == "image/jpeg"
    assert media.image_type("image/jpg", "AAAA") == "image/jpeg"
    assert media.image_type(None, "AAAA") == "image/png"


@given(st.text())
def test_sniffing_never_fails(data):
    media.sniff(data)
    media.decode_base64(data)
    media.parse_data_uri("data:" + data)
    media.media_type_of_url(data)


@pytest.mark.parametrize(
    ("media_type", "name"),
    [("audio/wav", "wav"), ("audio/mpeg", "mp3"), ("Audio/MP3; rate=1", "mp3"), ("audio/unknown", None)],
)
def test_audio_formats_have_openais_names(media_type, name):
    assert media.audio_format(media_type) == name


def test_openais_names_have_media_types():
    assert media.audio_type("mp3") == "audio/mpeg"
    assert media.audio_type("odd") == "audio/odd"


def test_an_address_tells_its_media_type():
    assert media.media_type_of_url("https://example.com/a/b.JPG?x=1") == "image/jpeg"
    assert media.media_type_of_url("report.pdf") == "application/pdf"
    assert media.media_type_of_url("https://example.com/") is None
    assert media.media_type_of_url("https://[no address/a.pdf#page=2") == "application/pdf"
