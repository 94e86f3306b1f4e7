"""The project's own app (commands, static files, system checks) and the admin site's configuration."""

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig
from django.db.models.signals import post_migrate
from django.utils.module_loading import autodiscover_modules


class OmniRouteConfig(AppConfig):
    name = "omniroute"
    verbose_name = "OmniRoute"

    def ready(self) -> None:
        from omniroute import audit, checks, jobs  # noqa: F401  (registers the system checks)

        audit.watch()
        autodiscover_modules("tasks")
        post_migrate.connect(jobs.schedule, dispatch_uid="periodic jobs")


class OmniRouteAdminConfig(AdminConfig):
    default_site = "omniroute.admin_site.OmniRouteAdminSite"

    def ready(self) -> None:
        autodiscover_modules("pages")
        super().ready()
