"""Admin users and background jobs. Both come with other packages; here they get the product's look."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, User
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.defaultfilters import truncatechars
from django_q import admin as _jobs  # noqa: F401  (registers what is registered anew below)
from django_q.models import Failure, OrmQ, Schedule, Success, Task
from django_q.tasks import async_task
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from omniroute.model_admin import ReadOnlyAdmin
from omniroute.models import AuditEntry
from omniroute.templatetags.figures import duration, seconds

for _model in (User, Group, Schedule, Success, Failure, OrmQ):
    if admin.site.is_registered(_model):
        admin.site.unregister(_model)

_USER_FIELDS = {
    "is_active": ("Active", "Switched off, nobody can log in as this user."),
    "is_staff": ("May log in", "To this dashboard. What else the user may do, the permissions below say."),
    "is_superuser": ("Administrator", "May see and change everything."),
}


@admin.register(User)
class UserAdmin(DjangoUserAdmin, ModelAdmin):  # type: ignore[type-arg]
    search_help_text = "Search by name or email address"
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "email", "is_active", "administrator", "last_login")
    list_filter = ("is_active", "is_superuser")
    fieldsets = (
        (None, {"fields": ("username", "password", "email")}),
        ("Access", {"fields": ("is_active", "is_staff", "is_superuser")}),
        ("Limited permissions", {"classes": ("collapse",), "fields": ("user_permissions",)}),
        ("History", {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = ((None, {"fields": ("username", "password1", "password2", "is_superuser")}),)
    readonly_fields = ("last_login", "date_joined")
    filter_horizontal = ()

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """In the product's words, where Django speaks of staff and superusers."""
        label, help_text = _USER_FIELDS.get(db_field.name, (None, None))
        words = {"label": label, "help_text": help_text} if label else {}
        return super().formfield_for_dbfield(db_field, request, **words, **kwargs)

    @display(description="Administrator", ordering="is_superuser", boolean=True)
    def administrator(self, row: User) -> bool:
        return row.is_superuser

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        """Who is added here is to log in here."""
        if not change:
            obj.is_staff = True
        super().save_model(request, obj, form, change)


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "actor", "action", "target", "details", "address")
    fields = list_display
    search_fields = ("actor", "action", "target", "details", "address")
    list_per_page = 50


@admin.register(Schedule)
class ScheduleAdmin(ModelAdmin):
    list_display = ("name", "interval", "next_run", "func")
    search_fields = ("name", "func")
    fields = ("name", "func", "schedule_type", "minutes", "cron", "repeats", "next_run")

    @display(description="Every")
    def interval(self, row: Schedule) -> str:
        """Jobs of the gateway's own run by minutes."""
        if row.schedule_type == Schedule.MINUTES:
            return seconds(60 * (row.minutes or 1))
        return str(row.cron or row.get_schedule_type_display())


class TaskAdmin(ReadOnlyAdmin):
    """What the job processes did: to look at, to clear away and to run again."""

    list_display = ("job", "started", "took", "outcome", "func")
    list_filter = ("func",)
    search_fields = ("name", "func")
    actions = ("run_again",)
    fields = ("name", "func", "started", "stopped", "took", "attempt_count", "result")
    readonly_fields = ("took",)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.has_perm(f"django_q.delete_{self.opts.model_name}"))

    @admin.action(description="Run again", permissions=["delete"])
    def run_again(self, request: HttpRequest, queryset: QuerySet[Task]) -> None:
        tasks = list(queryset)
        for task in tasks:
            async_task(task.func, *(task.args or ()), hook=task.hook, group=task.group, **(task.kwargs or {}))  # type: ignore[no-untyped-call]
        queryset.delete()
        messages.success(request, f"{len(tasks)} jobs wait to run again.")

    @display(description="Job", ordering="group")
    def job(self, row: Task) -> str:
        """The schedule's name; django-q2 gives each run four words of its own."""
        return str(row.group or row.name)

    @display(description="Took")
    def took(self, row: Task) -> str:
        return duration(1000 * (row.stopped - row.started).total_seconds())

    @display(description="Result")
    def outcome(self, row: Task) -> str:
        return truncatechars(str(row.result), 100)


@admin.register(Success)
class SuccessAdmin(TaskAdmin):
    pass


@admin.register(Failure)
class FailureAdmin(TaskAdmin):
    pass


@admin.register(OrmQ)
class WaitingAdmin(ReadOnlyAdmin):
    list_display = ("name", "func", "lock")
    list_display_links = None
