from django.apps import AppConfig


class GatewayConfig(AppConfig):
    name = "gateway"
    verbose_name = "Gateway"

    def ready(self) -> None:
        from billing.usage import filters
        from gateway import snapshot
        from gateway.api import proxy_entries
        from gateway.sync import noticing, sharing
        from providers.choices import account_names, provider_names
        from providers.oauth import renewal

        snapshot.watch_models()
        proxy_entries.watch_models()
        noticing.watch_models()
        renewal.sharing = sharing.shared
        filters.names_of_providers = provider_names
        filters.names_of_accounts = account_names
