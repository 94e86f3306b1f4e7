"""The plan of one request: the strategies of its combo and its providers, over what this process knows.

Without Redis nothing is awaited. With it, a conversation that this process does not know is looked up there.
"""

from __future__ import annotations

from decimal import Decimal
from functools import partial

from billing.config import KeyConfig
from billing.pricing.costs import price_of
from combos import strategies
from combos.attempt import Attempt
from combos.load import CombosView, target_load
from combos.ordering import Ordering
from combos.plan import Plan
from combos.resolve import Branch, Route, Target
from gateway.affinity import answers, conversations
from gateway.affinity.sessions import sessions
from gateway.exchange import Exchange
from gateway.gates import gates, only_account
from gateway.pricing.offers import offer_of
from gateway.snapshot import Snapshot, remembered
from gateway.trial import Trial
from omniroute import shared_state
from providers import selection
from providers.config import AccountConfig, ProvidersConfig
from providers.selection.rotation import account_use
from resilience.cooldown import cooldowns


async def plan_for(exchange: Exchange, snapshot: Snapshot) -> Plan:
    """The plan of a request that is about to be served."""
    route = exchange.route
    made = ordering(snapshot, stream=exchange.inbound.stream)
    made.shares_turns = shared_state.is_shared()
    await _keep_conversation(exchange, snapshot, made)
    found = gates(snapshot, exchange.key)
    if exchange.only_account:
        found = (only_account(exchange.only_account), *found)
    return Plan(route, made, cooldowns, found, snapshot.patience.profiles)


def rehearsal(
    route: Route,
    snapshot: Snapshot,
    *,
    stream: bool,
    kept: dict[str, str] | None = None,
    key: KeyConfig | None = None,
) -> Plan:
    """The plan that a request would have now. Nothing is counted, and nobody's turn is taken."""
    made = ordering(snapshot, stream=stream, is_rehearsal=True)
    made.kept = kept or {}
    return Plan(route, made, cooldowns, gates(snapshot, key), snapshot.patience.profiles)


def is_connected(route: Route, snapshot: Snapshot) -> bool:
    """Whether there is anybody to ask. Where not, an account may just have been connected by another process."""
    connected = snapshot.providers.accounts
    return any(target.provider.id in connected for target in route.targets) or any(
        target.provider.id in connected for target in route.fallbacks
    )


def note_answer(exchange: Exchange, plan: Plan, trial: Trial, seconds: float) -> None:
    """It came to its commit point: its conversation stays there, and the time that it took counts for later choices."""
    attempt, config = trial.attempt, plan.ordering.config
    target_load.took(attempt.target, seconds, stream=exchange.inbound.stream)
    if not config.affinity_s:
        return
    followed = conversations.after(trial.answer_id, exchange.inbound)
    for conversation in filter(None, (exchange.conversation, followed)):
        kept = plan.ordering.keeping(exchange.route, attempt)
        sessions.note(_key_id(exchange), conversation.id, kept, attempt.account.key, config.affinity_s)


def ordering(snapshot: Snapshot, *, stream: bool, is_rehearsal: bool = False) -> Ordering:
    view = CombosView(target_load, stream, partial(_price, snapshot), is_rehearsal=is_rehearsal)
    return Ordering(snapshot.combos, snapshot.providers, view, account_use)


async def _keep_conversation(exchange: Exchange, snapshot: Snapshot, made: Ordering) -> None:
    """Let a conversation go on where it was."""
    seconds = snapshot.combos.affinity_s
    if not seconds:
        return
    is_spread = spreads(exchange.route, snapshot)
    own = (conversations.of if is_spread else conversations.said_by_client)(exchange.inbound)
    exchange.conversation = own
    previous = conversations.previous_answer(exchange.inbound)
    followed = conversations.followed(previous)
    made.is_bound = followed is not None
    conversation = followed or (own if is_spread else None)
    if conversation is None or not conversation.is_open:
        return
    session = sessions.find(_key_id(exchange), conversation.id, seconds)
    if session is None and shared_state.is_shared():
        session = await sessions.fetch(_key_id(exchange), conversation.id)
    if session is not None:
        made.kept = session.kept
    elif previous:
        made.kept = await _kept_at(exchange, previous, made)


async def _kept_at(exchange: Exchange, answer_id: str, made: Ordering) -> dict[str, str]:
    """Where an answer is that was given longer ago, or before a restart."""
    kept = await answers.find(answer_id, _key_id(exchange))
    account = kept and account_of(kept.provider, kept.account_id, made.providers)
    if not kept or account is None:
        return {}
    targets = (each for each in exchange.route.targets if each.provider.id == kept.provider)
    target = next((each for each in targets if each.model == kept.model), None)
    if target is None:
        return {kept.provider: account.key}
    return made.keeping(exchange.route, Attempt(target, account))


def account_of(provider: str, id: int, providers: ProvidersConfig) -> AccountConfig | None:
    """One of those in use."""
    return next((each for each in providers.accounts.get(provider, ()) if each.id == id), None)


def spreads(route: Route, snapshot: Snapshot) -> bool:
    """Whether requests of this route go to different targets or accounts by turns. Remembered with the route."""
    known = snapshot.spreading.get(route.requested)
    if known is None:
        known = _branch_spreads(route.tree) or any(
            len(snapshot.providers.accounts.get(target.provider.id, ())) > 1
            and snapshot.combos.order_of(target.provider.id).strategy in selection.SPREADING
            for target in (*route.targets, *route.fallbacks)
        )
        remembered(snapshot.spreading, route.requested, known)
    return known


def _branch_spreads(branch: Branch | None) -> bool:
    if branch is None:
        return False
    return (branch.combo.strategy in strategies.SPREADING and len(branch.choices) > 1) or any(
        isinstance(choice, Branch) and _branch_spreads(choice) for choice in branch.choices
    )


def _key_id(exchange: Exchange) -> int:
    return exchange.key.id if exchange.key else 0


def _price(snapshot: Snapshot, target: Target) -> Decimal | None:
    """Input and output together: USD for one token of each; nothing under a subscription. Remembered."""
    name = target.name
    if name in snapshot.blended:
        return snapshot.blended[name]
    provider = target.provider
    offer = offer_of(target, AccountConfig(0, provider.id, ""))
    row = None if offer.flat else price_of(offer, snapshot.billing)[0]
    parts = [row.price(unit) for unit in ("input_tokens", "output_tokens")] if row else []
    known = [part for part in parts if part is not None]
    price = sum(known, Decimal(0)) if known or offer.flat else None
    return remembered(snapshot.blended, name, price)
