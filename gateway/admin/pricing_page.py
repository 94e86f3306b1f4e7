"""Every provider's prices on one page: to search, and to override where they stand."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.admin.models import ADDITION, CHANGE, DELETION, LogEntry
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from billing.models import Price
from billing.pricing.fields import FIELDS, columns_of_override
from gateway.pricing.prices import defaults, inherited
from omniroute.pages import page
from omniroute.types import JSONDict
from providers.config import load_specs
from providers.models import Account
from providers.spec import ProviderSpec

SHOWN = 200
"""Models on one page; the search finds the others."""
COLUMNS = ("input", "output", "cache_read", "cache_write", "reasoning")
HIGHEST = Decimal(100_000)


@dataclass(frozen=True, slots=True)
class Row:
    model: str
    prices: dict[str, Decimal]
    override: Price | None
    is_edited: bool = False

    @property
    def cells(self) -> list[tuple[str, Decimal | None]]:
        return [(name, self.prices.get(name)) for name in COLUMNS]

    @property
    def notes(self) -> list[str]:
        """What else there is to pay."""
        told = [
            f"{field.api.replace('_', ' ')} ${self.prices[field.column].normalize():f}"
            for field in FIELDS
            if field.column in self.prices and field.column not in COLUMNS and not field.is_long
        ]
        if "long_start" in self.prices:
            above = f"above {int(self.prices['long_start']):,} tokens"
            input, output = (self.prices.get(name) for name in ("long_input", "long_output"))
            told.append(f"{above}: ${input or 0:f} in, ${output or 0:f} out")
        return told


@page("pricing", title="Pricing", section="Costs", icon="sell", permission="billing.view_price")
def pricing(request: HttpRequest) -> JSONDict | HttpResponse:
    specs = load_specs()
    if request.method == "POST":
        return _save(request, specs)
    connected = set(Account.objects.filter(is_active=True).values_list("provider", flat=True))
    chosen = request.GET.get("provider", "")
    if chosen not in specs:
        chosen = next((id for id in specs if id in connected), next(iter(specs)))
    search, edited = request.GET.get("q", "").strip(), request.GET.get("edit", "")
    rows = _rows(specs[chosen], search, edited)
    listed = sorted(specs.values(), key=lambda spec: (spec.id not in connected, spec.name.lower()))
    return {
        "providers": [(spec.id, spec.name, spec.id in connected) for spec in listed],
        "provider": specs[chosen],
        "search": search,
        "columns": [field for name in COLUMNS for field in FIELDS if field.column == name],
        "rows": rows[:SHOWN],
        "hidden": max(0, len(rows) - SHOWN),
        "query": urlencode({"provider": chosen, "q": search}),
        "may_change": request.user.has_perm("billing.change_price"),
        "add": f"{reverse('admin:billing_price_add')}?provider={chosen}",
    }


def _rows(spec: ProviderSpec, search: str, edited: str) -> list[Row]:
    own = {row.model: row for row in Price.objects.filter(provider=spec.id)}
    rows = [
        Row(
            model,
            columns_of_override(own[model]) if model in own else prices,
            own.get(model),
            model == edited,
        )
        for model, prices in defaults(spec).items()
    ]
    known = {row.model for row in rows}
    rows += [
        Row(model, columns_of_override(row), row, model == edited)
        for model, row in own.items()
        if model not in known
    ]
    rows = [row for row in rows if search.lower() in row.model.lower()]
    return sorted(rows, key=lambda row: (row.override is None, row.model))


def _save(request: HttpRequest, specs: dict[str, ProviderSpec]) -> HttpResponse:
    provider, model = request.POST.get("provider", ""), request.POST.get("model", "")[:200]
    back = HttpResponseRedirect(f"{reverse('admin:gateway_pricing')}?{request.POST.get('query', '')[:500]}")
    if not request.user.has_perm("billing.change_price") or provider not in specs or not model:
        messages.error(request, "This price cannot be changed.")
        return back
    row = Price.objects.filter(provider=provider, model=model).first()
    if request.POST.get("do") == "reset":
        if row is not None:
            _log(request, row, DELETION)
            row.delete()
        messages.success(request, f"{model} has its built-in price again.")
        return back
    row = row or inherited(specs[provider], model)
    for name in COLUMNS:
        text = request.POST.get(name, "").strip()
        value = _number(text)
        if (text and value is None) or (not text and name in ("input", "output")):
            messages.error(request, f"{model}: enter a price of 0 or more for each field that is filled.")
            return back
        setattr(row, name, value)
    flag = CHANGE if row.pk else ADDITION
    row.save()
    _log(request, row, flag)
    messages.success(request, f"{model} has a price of your own now. It holds for requests from now on.")
    return back


def _log(request: HttpRequest, row: Price, flag: int) -> None:
    """In the price's own history, and so in the audit log."""
    LogEntry.objects.log_actions(str(request.user.pk), [row], flag, single_object=True)


def _number(text: str) -> Decimal | None:
    try:
        value = Decimal(text)
    except InvalidOperation:
        return None
    return value.quantize(Decimal("0.000001")) if value.is_finite() and 0 <= value <= HIGHEST else None
