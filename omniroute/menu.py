"""The dashboard's menu: what the sidebar lists, and the tabs that the pages of one entry share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from django.http import HttpRequest
from django.urls import reverse

from omniroute.pages import pages_of

OVERVIEW, TOOLS = "Overview", "Tools"
"""Groups of the sidebar. The first one is shown without its name."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A page, or with `tabs` what its pages are together. An entry without a target leads to its first tab."""

    title: str
    target: str = ""
    """A model (`app.model`) or the name of an admin URL."""
    icon: str = ""
    """A Material Symbol, for the sidebar."""
    tabs: tuple[Entry, ...] = ()
    permission: str = ""
    """Where it is not the one to look at the model."""

    @property
    def link(self) -> str:
        app, _, model = self.target.rpartition(".")
        return reverse(f"admin:{app}_{model}_changelist") if app else reverse(f"admin:{self.target}")

    def is_allowed(self, request: HttpRequest) -> bool:
        if self.tabs:
            return any(tab.is_allowed(request) for tab in self.tabs)
        app, _, model = self.target.rpartition(".")
        needed = self.permission or (f"{app}.view_{model}" if app else "")
        return not needed or request.user.has_perm(needed)

    def link_for(self, request: HttpRequest) -> str:
        """Its own page, or the first of its tabs that the user may open."""
        first = next((tab for tab in self.tabs if tab.is_allowed(request)), None)
        return first.link_for(request) if first else self.link


JOBS = Entry(
    "Background jobs",
    tabs=(
        Entry("Scheduled jobs", "django_q.schedule"),
        Entry("Waiting jobs", "django_q.ormq"),
        Entry("Finished jobs", "django_q.success"),
        Entry("Failed jobs", "django_q.failure"),
    ),
)
_SETTINGS = Entry(
    "Settings",
    icon="settings",
    tabs=(
        Entry(
            "Security",
            tabs=(
                Entry("Access", "gateway.accesssettings"),
                Entry("Password", "password_change"),
                Entry("IP access", "resilience.iprules"),
                Entry("Temporary bans", "resilience.temporaryban"),
                Entry("Admin users", "auth.user"),
                Entry("Audit log", "omniroute.auditentry"),
            ),
        ),
        Entry(
            "Routing",
            tabs=(
                Entry("Strategy and defaults", "combos.routingsettings"),
                Entry("Model aliases", "combos.modelalias"),
                Entry("Fallback chains", "combos.fallbackchain"),
                Entry("Provider rules", "combos.providerrouting"),
            ),
        ),
        Entry(
            "Resilience",
            tabs=(
                Entry("Profiles", "resilience.providerprofile"),
                Entry("Rate limits", "resilience.ratelimitsettings"),
                Entry("Time limits", "gateway.timelimits"),
            ),
        ),
        Entry(
            "AI",
            tabs=(
                Entry("Prompt and thinking", "gateway.aisettings"),
                Entry("Caches", "gateway.cachesettings"),
            ),
        ),
        Entry(
            "Advanced",
            tabs=(
                Entry("Proxies", "providers.proxyrule"),
                Entry("History and logs", "billing.usagesettings"),
                Entry("Sign-in", "providers.signinsettings"),
                JOBS,
            ),
        ),
        Entry("System & storage", tabs=(Entry("Backup settings", "gateway.backupsettings"),)),
        Entry("Cloud sync", tabs=(Entry("Kept for others", "gateway.syncspace"),)),
    ),
)
_GROUPS: tuple[tuple[str, tuple[Entry, ...]], ...] = (
    (
        OVERVIEW,
        (
            Entry("Home", "index", "home"),
            Entry(
                "Providers",
                icon="hub",
                tabs=(
                    Entry("Accounts", "providers.account"),
                    Entry("Custom providers", "providers.providernode"),
                    Entry("Custom models", "providers.custommodel"),
                    Entry("Listed models", "providers.listedmodel"),
                    Entry("Learned quirks", "providers.learnedquirk"),
                ),
            ),
            Entry("Combos", icon="alt_route", tabs=(Entry("Combos", "combos.combo"),)),
            Entry("API keys", "billing.apikey", "vpn_key"),
            Entry(
                "Usage",
                icon="monitoring",
                tabs=(Entry("Requests", "billing.usagerecord"), Entry("Daily usage", "billing.dailyusage")),
            ),
            Entry(
                "Costs",
                icon="savings",
                tabs=(Entry("Budgets", "billing.budget"), Entry("Own prices", "billing.price")),
            ),
            _SETTINGS,
        ),
    ),
    (
        TOOLS,
        (
            Entry(
                "Translator",
                icon="translate",
                tabs=(Entry("Playground", "gateway_translator", permission="gateway.use_translator"),),
            ),
        ),
    ),
)
_ORDER = {
    OVERVIEW: ("Home", "Providers", "Combos", "API keys", "Usage", "Costs", "Health", "Settings"),
    "Providers": ("Accounts", "Provider catalog"),
    "Usage": ("Analytics", "Requests"),
    "Costs": ("Budgets", "Pricing"),
    "Resilience": ("Overview",),
    "System & storage": ("Backups",),
    "Cloud sync": ("Devices and state",),
    "Translator": ("Playground", "Chat Tester", "Test Bench", "Live Monitor"),
}
"""What comes first, where entries and pages of apps are listed together."""


def menu() -> list[tuple[str, list[Entry]]]:
    """Groups of the sidebar, by name. A page that an app registers (`omniroute.pages`) is in the group, or among the
    tabs of the entry, that is called like its section."""
    return [
        (name, _sorted(name, [*map(_complete, entries), *_registered(name)])) for name, entries in _GROUPS
    ]


def trail_to(path: str) -> list[Entry]:
    """The entries that lead to a page, from the sidebar's down to its own; [] for none. The page may be one below,
    such as that of a row."""
    trails = [trail for _, entries in menu() for entry in entries for trail in _trails(entry)]
    home, *others = trails
    fitting = [trail for trail in others if path.startswith(trail[-1].link)]
    if path == home[-1].link:
        return home
    return max(fitting, key=lambda trail: len(trail[-1].link), default=[])


def _trails(entry: Entry) -> Iterator[list[Entry]]:
    if not entry.tabs:
        yield [entry]
    for tab in entry.tabs:
        yield from ([entry, *trail] for trail in _trails(tab))


def _complete(entry: Entry) -> Entry:
    if not entry.tabs:
        return entry
    tabs = [*map(_complete, entry.tabs), *_registered(entry.title)]
    return replace(entry, tabs=tuple(_sorted(entry.title, tabs)))


def _registered(section: str) -> list[Entry]:
    return [
        Entry(page.title, page.url_name, page.icon, permission=page.permission) for page in pages_of(section)
    ]


def _sorted(section: str, entries: list[Entry]) -> list[Entry]:
    order = _ORDER.get(section, ())
    return sorted(entries, key=lambda each: order.index(each.title) if each.title in order else len(order))
