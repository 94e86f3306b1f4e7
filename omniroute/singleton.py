"""Settings that are one row."""

from __future__ import annotations

from typing import Any, Self

from django.db import models
from django.utils.text import capfirst


class Singleton(models.Model):
    """Settings of one area. `load` gives the row, or its defaults before the first save."""

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return capfirst(str(self._meta.verbose_name))

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.pk = 1
        super().save(*args, **kwargs)

    @classmethod
    def load(cls) -> Self:
        return cls._default_manager.first() or cls(pk=1)
