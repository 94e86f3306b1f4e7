"""What the admin says where a list has no rows yet: what would be here, and how it comes here."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EmptyList:
    text: str
    link: tuple[str, str] | None = None
    """Where to begin, before the button that adds a row: label, and name of an admin URL."""

    @property
    def url_name(self) -> str:
        return f"admin:{self.link[1]}" if self.link else ""


EMPTY_LISTS: dict[str, EmptyList] = {
    "providers.account": EmptyList(
        "An account is an API key of a provider, or a subscription that you signed in to. Requests are sent with it.",
        ("Choose a provider", "providers_catalog"),
    ),
    "providers.providernode": EmptyList(
        "A custom provider is any server that speaks OpenAI's or Anthropic's format: Ollama, vLLM, LM Studio, "
        "or another gateway. It gets a prefix of its own, and then an account."
    ),
    "providers.custommodel": EmptyList(
        "Models that a provider serves and the catalog does not list. Any model id works without being added here; "
        "a row puts it into the list of models and into suggestions."
    ),
    "providers.listedmodel": EmptyList(
        "No provider's list was read yet. Open an account and choose “Sync models”.",
        ("Accounts", "providers_account_changelist"),
    ),
    "providers.learnedquirk": EmptyList(
        "Nothing was learned yet. When a provider refuses a parameter, the gateway mends the request, sends it again, "
        "and remembers here what helped."
    ),
    "gateway.syncspace": EmptyList(
        "Other gateways can keep a sealed copy of their configuration here, which nobody can read without their "
        "passphrase. They need an API key of the scope “Cloud sync”.",
        ("API keys", "billing_apikey_changelist"),
    ),
    "providers.proxyrule": EmptyList(
        "Requests go out directly, or as the environment says. A proxy applies to everything, to a provider, "
        "a combo or an account."
    ),
    "combos.combo": EmptyList(
        "A combo is one name for several models. Clients ask for it like for a model; when its first target fails, "
        "the next one answers."
    ),
    "combos.modelalias": EmptyList(
        "An alias is another name for a model or a combo. With * it stands for many: claude-haiku-* may lead to "
        "one model."
    ),
    "combos.fallbackchain": EmptyList(
        "A fallback chain says what is tried when a model fails that was asked for by itself, without a combo."
    ),
    "combos.providerrouting": EmptyList(
        "A rule changes the routing of one provider: block it or some of its models, choose the strategy "
        "of its accounts."
    ),
    "billing.apikey": EmptyList(
        "Clients send a key to be let in, told apart and counted. Each may have its own models, budget and expiry."
    ),
    "billing.usagerecord": EmptyList(
        "Every request is listed here as soon as it is over: what was asked, who answered, what it cost, "
        "and what was tried.",
        ("How to make one", "index"),
    ),
    "billing.dailyusage": EmptyList(
        "Requests are added up here by day, model and key.", ("How to make one", "index")
    ),
    "billing.budget": EmptyList(
        "A budget limits what a key, a provider or everything may use in a day, a week or a month: dollars, tokens "
        "or requests."
    ),
    "billing.price": EmptyList(
        "Prices come from the built-in data set. A row here goes before it, or prices a model that it does not know.",
        ("All prices", "gateway_pricing"),
    ),
    "omniroute.auditentry": EmptyList("Logins and changes are listed here: who did what, and when."),
    "resilience.temporaryban": EmptyList("No address is banned for the time being."),
    "django_q.ormq": EmptyList("No job is waiting."),
    "django_q.success": EmptyList("No job has finished yet."),
    "django_q.failure": EmptyList("No job has failed."),
}
