"""A local provider that speaks every wire format and misbehaves on request. No Django, no database.

It is written from the vendors' documents and SDK types and shares no code with `gateway.wire`, so that a
mistake there cannot hide behind the same mistake here.

    with simulator.start() as provider:
        provider.behave("429-retry7", times=1)
        ...point something at provider.url...
        assert provider.requests[0].model == "some-model"
"""

from gateway.simulator.client import ReceivedRequest, Simulator
from gateway.simulator.server import start

__all__ = ["ReceivedRequest", "Simulator", "start"]
