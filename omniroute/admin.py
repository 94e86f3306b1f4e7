"""Admin users and background jobs. Both come with other packages; here they get the product's look."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, User
from django.http import HttpRequest
from django_q import admin as jobs
from django_q.models import Failure, OrmQ, Schedule, Success
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

for _model in (User, Group, Schedule, Success, Failure, OrmQ):
    if admin.site.is_registered(_model):
        admin.site.unregister(_model)


@admin.register(User)
class UserAdmin(DjangoUserAdmin, ModelAdmin):  # type: ignore[type-arg,misc]
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "email", "is_active", "is_superuser", "last_login")
    list_filter = ("is_active", "is_superuser")
    fieldsets = (
        (None, {"fields": ("username", "password", "email")}),
        ("Access", {"fields": ("is_active", "is_staff", "is_superuser")}),
        ("Only some of it", {"classes": ("collapse",), "fields": ("user_permissions",)}),
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


class JobAdmin(ModelAdmin):
    """What the job processes did: to look at and to clear away."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False


@admin.register(Schedule)
class ScheduleAdmin(ModelAdmin, jobs.ScheduleAdmin):  # type: ignore[misc]
    list_display = ("name", "func", "schedule_type", "next_run", "get_last_run", "get_success")
    list_display_links = ("name",)
    list_filter = ("schedule_type",)


@admin.register(OrmQ)
class QueueAdmin(JobAdmin, jobs.QueueAdmin):  # type: ignore[misc]
    list_display = ("name", "func", "lock", "task_id")
    list_display_links = ("name",)
    list_filter = ()


@admin.register(Success)
class SuccessAdmin(JobAdmin, jobs.TaskAdmin):  # type: ignore[misc]
    list_display = ("name", "func", "started", "stopped", "time_taken")
    list_filter = ("func",)


@admin.register(Failure)
class FailureAdmin(JobAdmin, jobs.FailAdmin):  # type: ignore[misc]
    list_display = ("name", "func", "started", "stopped", "short_result")
    list_filter = ("func",)
