"""Forms of profiles and of access by address."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminSelectWidget

from gateway.edge.access import refuse_own_lockout
from omniroute.forms import LinesField
from providers.choices import provider_choices
from providers.config import load_specs
from resilience.config import load_ip_filter
from resilience.models import IpRules, ProviderProfile, TemporaryBan


class ProviderProfileForm(forms.ModelForm):  # type: ignore[type-arg]
    """The name of one that exists is settled."""

    name = forms.ChoiceField(
        label="Applies to",
        widget=UnfoldAdminSelectWidget,
        help_text="The provider gets a profile of its own.",
    )

    class Meta:
        model = ProviderProfile
        fields = (
            "name",
            "transient_cooldown_s",
            "rate_limit_cooldown_s",
            "max_backoff_level",
            "breaker_failures",
            "breaker_reset_s",
            "throttle_below_percent",
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if isinstance(field := self.fields.get("name"), forms.ChoiceField):
            current = self.instance.name
            field.choices = [("", "Choose a provider"), *provider_choices(load_specs(), current)]


class OwnAddressForm(forms.ModelForm):  # type: ignore[type-arg]
    """Refuses what would lock out its author. `request` is set by the admin."""

    request: HttpRequest

    def refuse_lockout(self) -> None:
        raise NotImplementedError

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        if not self.errors:
            try:
                self.refuse_lockout()
            except ValidationError as error:
                self.add_error(None, error)


class IpRulesForm(OwnAddressForm):
    blacklist = LinesField(
        required=False,
        placeholder="203.0.113.7\n198.51.100.0/24\n2001:db8::/32",
        help_text="Addresses and ranges, one a line. 10.0.*.* is one too.",
    )
    whitelist = LinesField(required=False, placeholder="192.168.0.0/16")

    class Meta:
        model = IpRules
        fields = ("enabled", "mode", "blacklist", "whitelist")

    def refuse_lockout(self) -> None:
        refuse_own_lockout(self.request, load_ip_filter(self.instance))


class TemporaryBanForm(OwnAddressForm):
    class Meta:
        model = TemporaryBan
        fields = ("address", "until", "reason")

    def refuse_lockout(self) -> None:
        if self.instance.address == self.request.META.get("REMOTE_ADDR") and not self.instance.is_over:
            raise ValidationError("This would lock you out: it is your own address.")
