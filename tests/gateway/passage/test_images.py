"""Images: what counts as one."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.passage.images import Images
from omniroute.errors import UpstreamBroken


@pytest.mark.parametrize("data", [None, [], 3, {"url": "x"}, "aGk="], ids=repr)
def test_an_answer_without_a_list_of_images_is_none(images: Any, data: object) -> None:
    with pytest.raises(UpstreamBroken, match="no image"):
        images.whole(json.dumps({"data": data}).encode())


def test_images_of_several_requests_are_one_answer(images: Any) -> None:
    parts = [images.whole(json.dumps({"created": 1, "data": [{"url": url}]}).encode()) for url in ("a", "b")]
    whole = images.joined(parts)
    assert [image["url"] for image in json.loads(whole.body)["data"]] == ["a", "b"]
    assert dict(whole.usage.priced_apart)["output_images"] == 2


@pytest.fixture
def images() -> Any:
    made = object.__new__(Images)
    made.adapter = None
    return made
