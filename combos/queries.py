"""What the admin asks the combos' tables."""

from __future__ import annotations

from combos.models import Combo, ModelAlias


def combo_names() -> list[str]:
    return list(Combo.objects.values_list("name", flat=True))


def references(name: str) -> list[str]:
    """The combos and aliases that lead to the combo, by name."""
    combos = Combo.objects.filter(targets__model=name).values_list("name", flat=True).distinct()
    return [*combos, *ModelAlias.objects.filter(target=name).values_list("pattern", flat=True)]
