"""A refusal that says how the request would be accepted: what to try, and what to keep of it.

A remedy is a quirk (`providers.refusals.remedies`), and an attempt with a remedy is the same attempt at a provider that
has one quirk more. So nothing else in the flow knows of it: requests are built, translated and read as ever.
"""

from __future__ import annotations

import logging
from dataclasses import replace

from combos.attempt import Attempt
from gateway import snapshot as snapshots
from gateway.passage.base import JSON_TYPE
from gateway.records.write_behind import writer
from gateway.snapshot import Snapshot
from gateway.wire import json
from omniroute.errors import UpstreamError, UpstreamRefused
from omniroute.types import UpstreamRequest
from providers import learned
from providers.refusals import STATUSES, remedies_for
from providers.refusals.remedies import Remedy, quirk_of
from providers.spec import Quirk
from resilience.classify import classify

logger = logging.getLogger(__name__)

MAX_REPEATS = 3
"""Each for another reason: providers name the parameters that they refuse one by one."""


class Healing:
    """The remedies tried on one attempt. Made when its first refusal comes; kept if the last repeat is answered."""

    def __init__(self, attempt: Attempt, snapshot: Snapshot) -> None:
        self._original, self._barred = attempt, snapshot.providers.barred
        self._first: UpstreamRefused | None = None
        self._tried: list[tuple[Remedy, str, str]] = []
        """Each with the refusal, and with the wire format of the request that it is about."""
        self._repeats = 0
        self._refused = b""

    def repeat(self, refusal: UpstreamRefused, request: UpstreamRequest) -> Attempt:
        """The attempt to make in the refused one's place.

        Raise what the client or the next attempt shall hear where there is none: the first refusal, unless the last
        one is about something else than the request's parameters.
        """
        self._first = self._first or refusal
        self._refused = request.body
        found = self._new_remedies(refusal, request) if self._repeats < MAX_REPEATS else []
        if not found:
            raise self._telling(refusal)
        self._repeats += 1
        self._tried += [(remedy, refusal.message, request.format) for remedy in found]
        logger.info("%s refused, repeated %s", request.url, ", ".join(map(str, found)))
        target = self._original.target
        quirks = [quirk_of(remedy, target.model, format) for remedy, _, format in self._tried]
        patched = replace(target.provider, quirks=(*target.provider.quirks, *quirks))
        return replace(self._original, target=replace(target, provider=patched))

    def expect_change(self, request: UpstreamRequest) -> None:
        """Raise the refusal where the remedy finds nothing to change: the same bytes would get the same answer."""
        if self._first is not None and request.body == self._refused:
            raise self._first

    def succeed(self) -> None:
        """The last repeat was answered: remember what holds for later requests too, at once and for good."""
        provider, model = self._original.target.provider.id, self._original.target.model
        for of_format in dict.fromkeys(format for _, _, format in self._tried):
            tried = [(remedy, reason) for remedy, reason, format in self._tried if format == of_format]
            helped = [(remedy, reason) for remedy, reason in tried if learned.is_memorable(remedy)]
            if helped:
                quirks = tuple(quirk_of(remedy, model, of_format) for remedy, _ in helped)
                snapshots.adopt(provider, quirks)
                writer().submit(_write, provider, model, of_format, helped, quirks)

    def _new_remedies(self, refusal: UpstreamRefused, request: UpstreamRequest) -> list[Remedy]:
        if refusal.status not in STATUSES or request.headers.get("content-type") != JSON_TYPE:
            return []
        target = self._original.target
        body = json.decode_all(dict(json.split(request.body)))
        tried = {(remedy.kind, remedy.field) for remedy, *_ in self._tried}
        return [
            remedy
            for remedy in remedies_for(refusal, body, request.format, target.model)
            if (remedy.kind, remedy.field) not in tried
            and learned.lesson_of(target.provider.id, target.model, request.format, remedy)
            not in self._barred
        ]

    def _telling(self, last: UpstreamRefused) -> UpstreamError:
        first = self._first or last
        about_parameters = last.status in STATUSES and classify(last).reason == classify(first).reason
        return first if about_parameters else last


def _write(
    provider: str, model: str, format: str, helped: list[tuple[Remedy, str]], quirks: tuple[Quirk, ...]
) -> None:
    try:
        learned.remember(provider, model, format, helped)
    finally:
        snapshots.settle(provider, quirks)
