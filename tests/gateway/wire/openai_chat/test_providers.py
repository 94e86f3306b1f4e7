"""Providers whose chat endpoints differ are told apart by their ids in the catalog."""

import pytest

from gateway.wire.openai_chat import conversation, effort, emission, request, toolbox
from providers.catalog import builtin


@pytest.mark.parametrize(
    "ids",
    [
        emission.TEXT_ONLY,
        emission.FILE_LINKS.keys(),
        emission.VIDEO_TAKERS,
        effort.TOGGLES,
        effort.BY_PROVIDER.keys(),
        conversation.ECHOES,
        conversation.FLAT,
        request.TAKES_TOP_K,
        request.TAKES_TIER,
        toolbox.KNOWS_ALLOWED_TOOLS,
    ],
)
def test_every_provider_with_a_habit_of_its_own_is_in_the_catalog(ids):
    assert set(ids) <= builtin().keys()
