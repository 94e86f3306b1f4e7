"""Which rows of the billing travel (`omniroute.portable`). Of keys their hash: nobody has more."""

from __future__ import annotations

from billing.models import ApiKey, Budget, Price
from omniroute.portable import portable

portable("price", "prices", Price, key=("provider", "model"))
portable("api-key", "keys", ApiKey, key=("key_hash",), leave_out=("last_used_at",))
portable(
    "budget",
    "keys",
    Budget,
    key=("uid",),
    leave_out=("revision", "counts_from"),
    refers={"api_key": lambda fields: "api-key", "account": lambda fields: "account"},
)
