"""Forms of the admin for combos and aliases."""

from __future__ import annotations

from typing import Any

from django import forms
from unfold.forms import PaginationInlineFormSet

from combos.admin.routing_forms import COMBO_OPTION_FIELDS, show_inherited
from combos.admin.suggestions import SUGGESTIONS
from combos.models import Combo, ComboTarget, ModelAlias
from combos.rules import refuse_circle, validate_targets
from combos.strategies import registry
from combos.validation import InvalidTarget, Names, known_names
from omniroute.forms import ExplainedSelect, SuggestionInput


class ComboForm(forms.ModelForm):  # type: ignore[type-arg]
    strategy = forms.ChoiceField(
        widget=ExplainedSelect(registry.explanations),
        initial="priority",
        help_text="How the first target is chosen.",
    )

    class Meta:
        model = Combo
        fields = (
            "name",
            "description",
            "strategy",
            "is_active",
            *COMBO_OPTION_FIELDS,
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if isinstance(field := self.fields.get("strategy"), forms.ChoiceField):
            choices = registry.choices()
            current = self.instance.strategy
            if current and current not in dict(choices):
                choices.append((current, f"{current} (not available)"))
            field.choices = choices
        show_inherited(self)


class TargetForm(forms.ModelForm):  # type: ignore[type-arg]
    model = forms.CharField(
        max_length=250,
        widget=SuggestionInput(SUGGESTIONS, placeholder="provider/model, or a combo's name"),
        help_text="provider/model, or the name of another combo.",
    )

    class Meta:
        model = ComboTarget
        fields = ("position", "model", "weight", "is_active")


class TargetFormSet(PaginationInlineFormSet):
    """Checks every target against the combo that it is in, and numbers the targets in the order of the page."""

    def clean(self) -> None:
        super().clean()
        names = known_names()
        kept = [form for form in self.forms if form.cleaned_data and not form.cleaned_data.get("DELETE")]
        for form in kept:
            if form.has_changed():  # one that broke by itself must not hinder the mending of others
                self._check(form, names)
        if any(form.errors for form in self.forms):
            return
        if not kept:
            raise forms.ValidationError("Add at least one target: a combo without targets cannot answer.")
        models = [str(form.cleaned_data["model"]) for form in kept]
        try:
            validate_targets(self.instance.name, models, replaces=self._old_name())
        except forms.ValidationError as error:
            raise forms.ValidationError(error.messages) from None

    def _check(self, form: forms.BaseForm, names: Names) -> None:
        model = str(form.cleaned_data.get("model", ""))
        try:
            if model != self.instance.name:
                names.check(model, in_combo=True)
        except InvalidTarget as error:
            form.add_error("model", str(error))

    def _old_name(self) -> str:
        return Combo.objects.filter(pk=self.instance.pk).values_list("name", flat=True).first() or ""

    def save(self, commit: bool = True) -> list[ComboTarget]:
        saved: list[ComboTarget] = super().save(commit=commit)
        deleted = {target.pk for target in self.deleted_objects}
        old = [form.instance for form in self.initial_forms if form.instance.pk not in deleted]
        old.sort(key=lambda target: target.position)
        if commit:
            for position, target in enumerate([*old, *self.new_objects]):
                if target.position != position:
                    target.position = position
                    target.save(update_fields=["position"])
        return saved


class ModelAliasForm(forms.ModelForm):  # type: ignore[type-arg]
    target = forms.CharField(
        max_length=250,
        widget=SuggestionInput(SUGGESTIONS, placeholder="provider/model, or a combo's name"),
        help_text="provider/model, or a combo's name.",
    )

    class Meta:
        model = ModelAlias
        fields = ("pattern", "target", "is_active")

    def clean_pattern(self) -> str:
        pattern = str(self.cleaned_data["pattern"]).strip()
        if not pattern.strip("*?"):
            raise forms.ValidationError(
                "This would catch every model. Put some of the name into the pattern."
            )
        return pattern

    def clean_target(self) -> str:
        target = str(self.cleaned_data["target"]).strip()
        try:
            known_names().check(target, in_combo=False)
        except InvalidTarget as error:
            raise forms.ValidationError(str(error)) from None
        return target

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if not self.errors:
            others = ModelAlias.objects.exclude(pk=self.instance.pk).values_list("pattern", "target")
            refuse_circle(cleaned["pattern"], {**dict(others), cleaned["pattern"]: cleaned["target"]})
        return cleaned
