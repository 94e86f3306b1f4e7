from django.apps import AppConfig


class CombosConfig(AppConfig):
    name = "combos"
    verbose_name = "Combos"

    def ready(self) -> None:
        from combos import rules

        rules.watch_models()
