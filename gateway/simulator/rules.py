"""Rules set from outside: which requests shall meet which behaviour, and how often."""

from __future__ import annotations

from dataclasses import dataclass, field

from gateway.simulator.behavior import Behavior, parse
from gateway.simulator.question import BadRequest, JSONDict, get


@dataclass(frozen=True, slots=True)
class CannedReply:
    """An answer sent as it stands."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


@dataclass(slots=True)
class Rule:
    """Empty conditions match everything. `left` None: for ever."""

    behavior: Behavior
    reply: CannedReply | None = None
    model: str = ""
    key: str = ""
    path: str = ""
    left: int | None = None

    def matches(self, model: str, key: str, path: str) -> bool:
        wanted = ((self.model, model), (self.key, key))
        return all(not want or want == has for want, has in wanted) and (
            not self.path or path.endswith(self.path)
        )


@dataclass(slots=True)
class Rules:
    """In the order in which they were added; the first that matches applies, alone, and is used up by one."""

    rules: list[Rule] = field(default_factory=list)

    def add(self, body: JSONDict) -> None:
        """Raise `BadRequest` or `UnknownBehavior`."""
        times = get(body, "times", int, 0, least=1)
        self.rules.append(
            Rule(
                parse(get(body, "behavior", str, "ok")),
                _canned(get(body, "reply", dict, {})),
                get(body, "model", str, ""),
                get(body, "key", str, ""),
                get(body, "path", str, ""),
                times or None,
            )
        )

    def take(self, model: str, key: str, path: str) -> Rule | None:
        rule = next((rule for rule in self.rules if rule.matches(model, key, path)), None)
        if rule is not None and rule.left is not None:
            rule.left -= 1
            if not rule.left:
                self.rules.remove(rule)
        return rule


def _canned(body: JSONDict) -> CannedReply | None:
    if not body:
        return None
    headers = get(body, "headers", dict, {"content-type": "application/json"})
    if not all(isinstance(value, str) for value in headers.values()):
        raise BadRequest("Invalid type for 'reply.headers': expected strings.", "reply.headers")
    text = get(body, "body", str, "")
    return CannedReply(
        get(body, "status", int, 200), list(headers.items()), text.encode("utf-8", "surrogatepass")
    )
