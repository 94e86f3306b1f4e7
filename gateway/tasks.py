"""What the gateway does in the background."""

from __future__ import annotations

from gateway.backups import shelf, taking
from gateway.backups.models import BackupSettings
from gateway.sync import background
from gateway.verdicts import counted
from omniroute.jobs import job


@job("Count requests of plans", minutes=1)
def count_requests() -> str:
    """For vendors that do not tell what is left."""
    return f"{counted.count()} accounts counted"


@job("Back up the database", minutes=24 * 60)
def back_up() -> str:
    """Returns what the list of finished jobs shows."""
    settings = BackupSettings.load()
    taking.forget_leftovers()
    if not settings.backup_daily:
        return "Switched off"
    made = shelf.make("scheduled", history=settings.backup_history, only_if_changed=True)
    gone = len(shelf.prune())
    return f"{made.id if made else 'Nothing changed'}; {gone} old backups deleted"


@job("Cloud sync", minutes=1)
def sync_by_schedule() -> str:
    """Every so many minutes as its settings say."""
    return background.by_schedule()


def sync_soon() -> str:
    """Queued when something shared was changed."""
    return background.after_change()
