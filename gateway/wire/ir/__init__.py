"""The neutral form between wire formats. Pure values: no Django, no I/O, no wire format's vocabulary.

Rules that every format package keeps:

* A part holds in `extra[format]` whatever its own format said about it and the neutral fields do not, so that
  `emit(parse(body))` of one format loses nothing. `emit` of another format ignores it. `Request.dropped` records
  what a format could not say at all.
* Unset is None (or an empty tuple/list), never a default that the client did not send.
* JSON text stays text: a tool call's `arguments` are the model's own, so that number precision and key order live.
* A reply is a `Response`; a stream is the same reply as a sequence of `Event`s. `fold` and `unfold` turn one into the
  other, so each direction has one logic.
"""

from __future__ import annotations

from gateway.wire.ir.folding import BrokenStream, fold, unfold
from gateway.wire.ir.parts import (
    Audio,
    Citation,
    Extra,
    File,
    Image,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
    Unknown,
)
from gateway.wire.ir.replies import (
    Candidate,
    Errored,
    Event,
    Finished,
    FinishReason,
    PartDelta,
    PartEnded,
    PartStarted,
    Response,
    Started,
    UsageReported,
    is_meaningful,
)
from gateway.wire.ir.requests import (
    Message,
    ReasoningRequest,
    Request,
    ResponseFormat,
    Role,
    Tool,
    ToolChoice,
)

__all__ = [
    "Audio",
    "BrokenStream",
    "Candidate",
    "Citation",
    "Errored",
    "Event",
    "Extra",
    "File",
    "FinishReason",
    "Finished",
    "Image",
    "Message",
    "Part",
    "PartDelta",
    "PartEnded",
    "PartStarted",
    "Reasoning",
    "ReasoningRequest",
    "Refusal",
    "Request",
    "Response",
    "ResponseFormat",
    "Role",
    "Started",
    "Text",
    "Tool",
    "ToolCall",
    "ToolChoice",
    "ToolResult",
    "Unknown",
    "UsageReported",
    "fold",
    "is_meaningful",
    "unfold",
]
