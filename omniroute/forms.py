"""Form fields that several apps' admins use."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from django import forms
from unfold.widgets import (
    UnfoldAdminPasswordToggleWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)


class PlainDecimals(forms.ModelForm):  # type: ignore[type-arg]
    """Shows 5 where the database holds 5.000000."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, value in self.initial.items():
            if isinstance(value, Decimal) and value.is_finite():
                self.initial[name] = value.quantize(Decimal(1)) if value == int(value) else value.normalize()


class RowForm(forms.ModelForm):  # type: ignore[type-arg]
    """Edits a few fields of a row in a list. What is wrong with its other fields is not shown there, and must not
    hinder: a row that broke by itself can be switched off.
    """

    def _update_errors(self, errors: forms.ValidationError) -> None:
        if hasattr(errors, "error_dict"):
            own = {name: found for name, found in errors.error_dict.items() if name in self.fields}
            if not own:
                return
            errors = forms.ValidationError(own)
        super()._update_errors(errors)  # type: ignore[misc]


class LinesField(forms.CharField):
    """A list of strings, one a line."""

    def __init__(self, *, placeholder: str = "", **kwargs: Any) -> None:
        kwargs.setdefault("widget", UnfoldAdminTextareaWidget(attrs={"rows": 4, "placeholder": placeholder}))
        super().__init__(strip=False, **kwargs)

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(str(line) for line in value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        if isinstance(value, list):
            return value
        lines = (line.strip() for line in (value or "").splitlines())
        return list(dict.fromkeys(line for line in lines if line))

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(self.to_python(initial) != self.to_python(data))


class HeadersField(forms.CharField):
    """A dict of HTTP headers, one `Name: value` a line."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault(
            "widget", UnfoldAdminTextareaWidget(attrs={"rows": 3, "placeholder": "X-Team: research"})
        )
        super().__init__(strip=False, **kwargs)

    def prepare_value(self, value: Any) -> Any:
        return (
            "\n".join(f"{name}: {text}" for name, text in value.items()) if isinstance(value, dict) else value
        )

    def to_python(self, value: Any) -> Any:
        if isinstance(value, dict):
            return value
        headers: dict[str, str] = {}
        for line in filter(str.strip, (value or "").splitlines()):
            name, colon, text = (part.strip() for part in line.partition(":"))
            if not colon or not _is_header(name, text):
                raise forms.ValidationError(f"Write each header as “Name: value”: {line.strip()}")
            headers[name] = text
        return headers

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return bool(self.to_python(initial) != self.to_python(data))
        except forms.ValidationError:
            return True


def _is_header(name: str, text: str) -> bool:
    """RFC 9110 §5.1, and no character that an HTTP client refuses to send."""
    return bool(name) and all(c.isalnum() or c in "!#$%&'*+-.^_`|~" for c in name) and (name + text).isascii()


class ObjectField(forms.JSONField):
    """A JSON object, of which an empty one is written as nothing."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("widget", UnfoldAdminTextareaWidget(attrs={"rows": 4}))
        super().__init__(required=False, **kwargs)

    def prepare_value(self, value: Any) -> Any:
        return "" if value in ({}, None) else super().prepare_value(value)

    def clean(self, value: Any) -> dict[str, Any]:
        found = super().clean(value)
        if found in (None, ""):
            return {}
        if not isinstance(found, dict):
            raise forms.ValidationError('Enter a JSON object, such as {"key": "value"}.')
        return found

    def has_changed(self, initial: Any, data: Any) -> bool:
        return super().has_changed(initial or None, data)


class SecretField(forms.CharField):
    """Write-only: what is stored is never shown, and leaving it empty keeps it."""

    def __init__(self, **kwargs: Any) -> None:
        attrs = {
            "autocomplete": "new-password",
            "spellcheck": "false",
            "data-1p-ignore": "",
            "data-lpignore": "true",
        }
        kwargs.setdefault("widget", UnfoldAdminPasswordToggleWidget(attrs=attrs))
        super().__init__(**kwargs)

    def prepare_value(self, value: Any) -> str:
        return ""

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(data)

    def clean(self, value: Any) -> str:
        text = str(super().clean(value))
        if any(character.isspace() or not character.isprintable() for character in text):
            raise forms.ValidationError(
                "A key has no spaces or line breaks inside: was something else pasted with it?"
            )
        if not text.isascii():
            raise forms.ValidationError(
                "A key has only letters, digits and signs: was something else pasted with it?"
            )
        return text


class ExplainedSelect(UnfoldAdminSelectWidget):
    """Tells below what the chosen one does (`admin.js`). `explanations` are sentences, by the values of the choices."""

    def __init__(self, explanations: Mapping[str, str]) -> None:
        super().__init__(attrs={"data-explanations": json.dumps(explanations)})


class SuggestionInput(UnfoldAdminTextInputWidget):
    """A text input with the suggestions of a `<datalist>` that the page holds (`admin/includes/suggestions.html`)."""

    def __init__(self, list_id: str, placeholder: str = "") -> None:
        super().__init__(
            attrs={"list": list_id, "placeholder": placeholder, "autocomplete": "off", "spellcheck": "false"}
        )


def one_of(values: Iterable[str]) -> list[tuple[str, str]]:
    """Choices of a select whose values are also their labels, with a leading “default”."""
    return [("", "Default"), *((value, value) for value in values)]
