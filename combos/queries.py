"""What the admin asks and tells the combos' tables."""

from __future__ import annotations

from combos.models import Combo, ComboTarget, FallbackChain, FallbackEntry, ModelAlias


def combo_names() -> list[str]:
    return list(Combo.objects.values_list("name", flat=True))


def rename_references(old: str, new: str) -> int:
    """Let the targets, aliases and chains that lead to a renamed combo follow it. Return how many there were."""
    rows: list[ComboTarget | ModelAlias | FallbackEntry | FallbackChain] = []
    for entry in FallbackEntry.objects.filter(target=old):
        entry.target = new
        rows.append(entry)
    for chain in FallbackChain.objects.filter(model=old):
        chain.model = new
        rows.append(chain)
    for target in ComboTarget.objects.filter(model=old):
        target.model = new
        rows.append(target)
    for alias in ModelAlias.objects.filter(target=old):
        alias.target = new
        rows.append(alias)
    for row in rows:
        row.save()  # one by one: a bulk update sends no signal, and the configuration would not be read again
    return len(rows)


def references(name: str) -> list[str]:
    """The combos, aliases and chains that lead to the combo, by name."""
    combos = Combo.objects.filter(targets__model=name).values_list("name", flat=True).distinct()
    chains = FallbackChain.objects.filter(entries__target=name).values_list("name", flat=True).distinct()
    return [*combos, *ModelAlias.objects.filter(target=name).values_list("pattern", flat=True), *chains]
