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
from omniroute.templatetags.figures import duration

for _model in (User, Group, Schedule, Success, Failure, OrmQ):
    if admin.site.is_registered(_model):
        admin.site.unregister(_model)


@admin.register(User)
class UserAdmin(DjangoUserAdmin, ModelAdmin):  # type: ignore[type-arg]
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "email", "is_active", "is_superuser", "last_login")
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

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        """Who is added here is to log in here."""
        if not change:
            obj.is_staff = True
        super().save_model(request, obj, form, change)


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "actor", "action", "target", "details", "address")
    list_display_links = None
    search_fields = ("actor", "action", "target", "details", "address")
    list_per_page = 50


@admin.register(Schedule)
class ScheduleAdmin(ModelAdmin):
    list_display = ("name", "func", "schedule_type", "next_run", "repeats")
    search_fields = ("name", "func")
    fields = ("name", "func", "schedule_type", "minutes", "cron", "repeats", "next_run")


class TaskAdmin(ReadOnlyAdmin):
    """What the job processes did: to look at, to clear away and to run again."""

    list_display = ("name", "func", "started", "took", "outcome")
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
