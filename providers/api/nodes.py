"""Management API of custom providers (nodes)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from asgiref.sync import async_to_sync
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from ninja import Router, Status
from pydantic import StringConstraints

from omniroute.errors import NotFound
from omniroute.redact import redact, redact_url, restore
from omniroute.schema import CamelModel, Line, Message, Name, Secret, StrictModel
from providers import validation
from providers.accounts import delete_node
from providers.api.checks import Verdict, verdict
from providers.models import ProviderNode
from providers.nodes.models import spec_of_node, validate_base_url

Headers = dict[Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$")], Line]

router = Router(tags=["Custom providers"], by_alias=True)


class NodeIn(StrictModel):
    name: Name
    prefix: Name
    base_url: Line
    type: ProviderNode.Kind = ProviderNode.Kind.OPENAI
    api_type: ProviderNode.ApiType = ProviderNode.ApiType.CHAT
    headers: Headers = {}
    is_active: bool = True


class NodePatch(StrictModel):
    name: Name | None = None
    prefix: Name | None = None
    base_url: Line | None = None
    type: ProviderNode.Kind | None = None
    api_type: ProviderNode.ApiType | None = None
    headers: Headers | None = None
    is_active: bool | None = None


class NodeProbe(StrictModel):
    base_url: Line
    api_key: Secret = ""
    type: ProviderNode.Kind = ProviderNode.Kind.OPENAI
    api_type: ProviderNode.ApiType = ProviderNode.ApiType.CHAT
    headers: Headers = {}


class Node(CamelModel):
    id: str
    name: str
    prefix: str
    type: str
    api_type: str
    base_url: str
    headers: dict[str, str]
    """Values that sound secret are masked; a masked value that is sent back keeps the stored one."""
    is_active: bool
    created_at: datetime
    updated_at: datetime


class NodeBody(CamelModel):
    node: Node


class NodeList(CamelModel):
    nodes: list[Node]


@router.get("/provider-nodes", response=NodeList)
def list_nodes(request: HttpRequest) -> NodeList:
    """Providers that were added by hand: any server that speaks OpenAI's or Anthropic's format."""
    return NodeList(nodes=[_shown(node) for node in ProviderNode.objects.all()])


@router.post("/provider-nodes", response={201: NodeBody})
def create_node(request: HttpRequest, body: NodeIn) -> Status[NodeBody]:
    """Add a provider by its address and a `prefix` for its models. Accounts are added to it like to any other."""
    return Status(201, _save(ProviderNode(), NodePatch(**dict(body))))


@router.post("/provider-nodes/validate", response=Verdict)
def validate_node(request: HttpRequest, body: NodeProbe) -> Verdict:
    """Try an address and key without storing them."""
    try:
        validate_base_url(body.base_url)
    except ValidationError as error:
        raise ValidationError({"base_url": error.messages}) from None
    node = ProviderNode(
        name="Custom provider",
        prefix="probe",
        kind=body.type,
        api_type=body.api_type,
        base_url=body.base_url,
        headers=body.headers,
    )
    return verdict(async_to_sync(validation.validate)(spec_of_node(node), api_key=body.api_key))


@router.get("/provider-nodes/{id}", response=NodeBody)
def get_node(request: HttpRequest, id: str) -> NodeBody:
    """One custom provider."""
    return NodeBody(node=_shown(_find(id)))


@router.put("/provider-nodes/{id}", response=NodeBody)
def update_node(request: HttpRequest, id: str, body: NodePatch) -> NodeBody:
    """Only the fields that are present change."""
    return _save(_find(id), body)


@router.delete("/provider-nodes/{id}", response=Message)
def remove_node(request: HttpRequest, id: str) -> Message:
    """Its accounts and models go with it."""
    delete_node(_find(id))
    return Message(message="Custom provider deleted")


def _find(id: str) -> ProviderNode:
    node = ProviderNode.objects.filter(pk=id.replace("\x00", "")).first()
    if node is None:
        raise NotFound("Custom provider not found")
    return node


def _save(node: ProviderNode, body: NodePatch) -> NodeBody:
    for name, field in (("name", "name"), ("prefix", "prefix"), ("type", "kind"), ("api_type", "api_type")):
        if (value := getattr(body, name)) is not None:
            setattr(node, field, value)
    if body.base_url is not None and body.base_url != redact_url(node.base_url):
        node.base_url = body.base_url
    if body.headers is not None:
        node.headers = restore(body.headers, node.headers or {})
    if body.is_active is not None:
        node.is_active = body.is_active
    node.full_clean()
    node.save()
    return NodeBody(node=_shown(node))


def _shown(node: ProviderNode) -> Node:
    return Node(
        id=node.pk,
        name=node.name,
        prefix=node.prefix,
        type=node.kind,
        api_type=node.api_type,
        base_url=redact_url(node.base_url),
        headers={name: str(value) for name, value in redact(node.headers or {}).items()},
        is_active=node.is_active,
        created_at=node.created_at,
        updated_at=node.updated_at,
    )
