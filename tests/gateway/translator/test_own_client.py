"""A request that the process makes to itself: what is told of it, and whose account may be asked."""

from __future__ import annotations

import json

import pytest
from asgiref.sync import sync_to_async

from billing.models import UsageRecord
from gateway import snapshot as snapshots
from gateway.edge.auth import Grant
from gateway.translator import composing, own_client
from gateway.translator.composing import Message
from gateway.upstream import close_connections
from providers.models import Account, ProviderNode

pytestmark = pytest.mark.django_db(transaction=True)
SECRET = "sk-secret-of-account-"


@sync_to_async
def connect(url: str) -> list[int]:
    node = ProviderNode.objects.create(name="Local", prefix="local", base_url=url)
    accounts = []
    for number in (1, 2):
        account = Account(provider=node.id, name=f"number {number}", priority=number)
        account.api_key = f"{SECRET}{number}"
        account.save()
        accounts.append(account.pk)
    snapshots.refresh()
    return accounts


def asking(stream: bool, account: int) -> own_client.Ask:
    message = Message("anthropic_messages", "local/m", "Hello", "Be brief", stream, tools=True)
    body = json.dumps(composing.body_of(message)).encode()
    grant = Grant(account_id=account)
    return composing.ask(body, message.format, message.model, stream=stream, grant=grant, address="192.0.2.9")


@pytest.mark.parametrize("stream", [False, True])
async def test_the_whole_cycle_is_told_and_accounted(simulator, stream):
    _, second = await connect(simulator.openai_url)
    told = [happened async for happened in own_client.watch(asking(stream, second))]
    await close_connections()
    kinds = [each.kind for each in told]
    assert kinds[-1] == "end"
    assert kinds.index("head") < kinds.index("body")
    answer = b"".join(each.value for each in told if each.kind == "body")
    assert (b"message_stop" in answer) if stream else (b"You said: Hello" in answer)
    (received,) = simulator.requests
    assert received.key == f"{SECRET}2"
    exchange = told[-1].value
    assert SECRET not in json.dumps(exchange)
    assert exchange["upstream"][0]["request"]["body"]["messages"][0] == {
        "role": "system",
        "content": "Be brief",
    }
    row = await UsageRecord.objects.aget(request_id=exchange["id"])
    assert (row.status, row.account_id, row.client_address, row.stream) == (200, second, "192.0.2.9", stream)
