"""How the machinery is doing: one light in words, and a row for each of its parts."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.humanize.templatetags.humanize import intcomma
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timesince import timesince
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from leadsync.admin.html import as_link, list_url
from leadsync.admin.key_health import Lately, lately
from leadsync.dashboard.numbers import Number
from leadsync.dashboard.scope import Scope
from leadsync.infra.db import capped_count, shown_count
from leadsync.infra.visible import reach_of
from leadsync.models import ApiKey
from leadsync.models import Scope as Right
from monitoring.admin.issue.page import titled
from monitoring.health.diagnosis import RUN_LATE, Vitals, Workers, diagnose
from monitoring.health.numbers import recent_vitals
from monitoring.health.problems import Status, status_of
from monitoring.limits import MAX_FAILURE_PERCENT
from monitoring.models import Backup
from monitoring.models.backups import LATE_AFTER
from monitoring.models.runs import STOPPED
from monitoring.sentences import in_words
from sarah.models import KapsoDelivery, KapsoFeed, StateUpdate

GOOD, FAIR, BAD = "good", "fair", "bad"
A_MINUTE = timedelta(minutes=1)
COLOURS = {Status.OK: GOOD, Status.RECOVERING: FAIR, Status.DEGRADED: BAD}


@dataclass(frozen=True, slots=True, kw_only=True)
class Light:
    """The state of all in one sentence."""

    colour: str
    sentence: str
    numbers: list[Number]
    """The rest of the sentence: conversations that are not synced, each with its list."""
    problems: list[tuple[bool, SafeString]]
    """Whether each is recovering, and what it says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of the machinery, and what to do about it."""

    name: str
    colour: str
    sentence: str
    """Its numbers open their lists."""
    url: str = ""
    action: str = ""


def light_section(scope: Scope) -> dict[str, Any]:
    vitals = recent_vitals(scope.user)
    problems = list(diagnose(vitals))
    numbers = list(_not_synced(scope))
    said = [_messages(scope, vitals.at), _worker(vitals)]
    is_behind = any(number.is_alarming for number in numbers)
    if not numbers and scope.conversations().exists():
        said.append(_("everything is synced"))
    colour = COLOURS[status_of(problems)]
    sentence = "; ".join(said)
    light = Light(
        colour=FAIR if colour == GOOD and is_behind else colour,
        sentence=f"{sentence[:1].upper()}{sentence[1:]}",
        numbers=numbers,
        problems=[(one.is_recovering, titled(str(one.text))) for one in problems],
    )
    return {"light": light}


def part_section(scope: Scope) -> dict[str, Any]:
    vitals = recent_vitals(scope.user)
    return {"parts": list(_parts(scope, vitals))}


def _parts(scope: Scope, vitals: Vitals) -> Iterator[Part]:
    if scope.user.has_perm("leadsync.view_apikey"):
        yield _keys(scope)
    yield _workers(vitals)
    if scope.user.has_perm("monitoring.view_syncrun"):
        yield _run(vitals)
    if scope.user.has_perm("sarah.view_kapsodelivery"):
        yield from _deliveries(scope)
    if scope.user.has_perm("monitoring.view_alertsettings"):
        yield _alerts(vitals)
    if reach_of(scope.user).is_everything or reach_of(scope.user).has_unowned:
        yield _backup()


def _messages(scope: Scope, at: datetime) -> str:
    updates = StateUpdate.objects.visible_to(scope.user)
    latest = scope.within(updates, "state__workspace").order_by("-received_at")
    last = latest.values_list("received_at", flat=True).first()
    if last is None:
        return _("no message has come yet")
    return _("messages arrive, the last %s") % _ago(last, at)


def _worker(vitals: Vitals) -> str:
    workers = vitals.workers or Workers()
    if workers.alive:
        return ngettext("the worker lives", "%(n)s workers live", workers.alive) % {
            "n": workers.alive
        }
    return _("no worker runs") if workers.is_missing or workers.dead else _("cron runs the worker")


def _not_synced(scope: Scope) -> Iterator[Number]:
    """Count the conversations that are out of sync, by what is to be done about them."""
    here = scope.conversations()
    if count := capped_count(here.behind()):
        text = ngettext("is not synced", "are not synced", count)
        yield _conversations(count, text, scope, sync="behind", is_alarming=True)
    if count := capped_count(here.strangers()):
        text = ngettext("person is no lead yet", "people are no leads yet", count)
        yield _conversations(count, text, scope, sync="strangers")
    if count := capped_count(here.given_up()):
        text = ngettext("was given up by a person", "were given up by a person", count)
        yield _conversations(count, text, scope, sync="given-up")


def _conversations(
    count: int, text: str, scope: Scope, *, sync: str, is_alarming: bool = False
) -> Number:
    url = list_url("sarah_sarahstate", sync=sync, **scope.filters)
    return Number(label=text, count=count, url=url, is_alarming=is_alarming)


def _keys(scope: Scope) -> Part:
    keys = ApiKey.objects.visible_to(scope.user).valid().filter(user__is_active=True)
    talking = list(
        scope.within(keys).filter(scopes__contains=Right.STATES_WRITE).select_related("user")
    )
    name, url = _("Bot keys"), reverse("admin:leadsync_apikey_changelist")
    if not talking:
        connect = reverse("admin:leadsync_apikey_connect")
        can = scope.user.has_perm("leadsync.add_apikey")
        link = {"url": connect, "action": _("Connect a bot")} if can else {}
        return Part(name=name, colour=FAIR, sentence=_("No bot has a key yet."), **link)
    found = lately(key.pk for key in talking)
    worst = max(talking, key=lambda key: found.get(key.pk, Lately()).percent)
    failing = found.get(worst.pk, Lately()).percent
    if failing > MAX_FAILURE_PERCENT:
        text = _("%(percent)s %% of what %(bot)s said in 24 hours failed.")
        told = text % {"bot": worst.user.get_username(), "percent": failing}
        sentence = _opens(scope, "sarah_stateupdate", told, key=worst.pk, received="24h")
        return Part(name=name, colour=BAD, sentence=sentence, url=url, action=_("See the keys"))
    said = sum(one.messages for one in found.values())
    return Part(name=name, colour=GOOD, sentence=_counted(scope, talking, said))


def _counted(scope: Scope, keys: list[ApiKey], said: int) -> str:
    """How many keys talk, and how many messages came with them."""
    keys_in_words = ngettext("%(n)s key", "%(n)s keys", len(keys)) % {"n": len(keys)}
    messages_in_words = ngettext(
        "%(n)s message in 24 hours", "%(n)s messages in 24 hours", said
    ) % {"n": intcomma(said)}
    here = {f"state__{name}": value for name, value in scope.filters.items()}
    one = {"key": keys[0].pk} if len(keys) == 1 else {}
    return format_html(
        "{}, {}.",
        _opens(scope, "leadsync_apikey", keys_in_words, state="valid", **scope.filters),
        _opens(scope, "sarah_stateupdate", messages_in_words, received="24h", **here, **one),
    )


def _opens(scope: Scope, label: str, text: str, **filters: object) -> str:
    """The text, as a link to the list that it counts, for who may see that."""
    app, _underscore, model = label.partition("_")
    if not scope.user.has_perm(f"{app}.view_{model}"):
        return text
    return as_link(list_url(label, **filters), text)


def _workers(vitals: Vitals) -> Part:
    workers = vitals.workers or Workers()
    colour = BAD if workers.is_missing or (workers.dead and not workers.alive) else GOOD
    if workers.last_beat_at is None:
        sentence = _("None was ever seen. Start one: manage.py sync_worker.")
    else:
        seen = _ago(workers.last_beat_at, vitals.at)
        sentence = _("Seen %s.") % seen
        if colour == BAD:
            sentence = _("Last seen %s. Start one: manage.py sync_worker.") % seen
    return Part(name=_("Worker"), colour=colour, sentence=sentence)


def _run(vitals: Vitals) -> Part:
    run, name = vitals.last_run, _("Reconciliation")
    link: dict[str, Any] = {
        "url": reverse("admin:monitoring_syncrun_changelist"),
        "action": _("See the results"),
    }
    if run is None:
        return Part(name=name, colour=FAIR, sentence=_("None has run yet."), **link)
    told = {
        "checked": intcomma(run.checked),
        "healed": intcomma(run.healed),
        "ago": _ago(run.started_at, vitals.at),
    }
    is_bad = run.error not in ("", STOPPED) or vitals.at - run.beat_at > RUN_LATE
    if is_bad and run.error:
        return Part(name=name, colour=BAD, sentence=in_words(run.error), **link)
    compared = _("%(checked)s conversations compared %(ago)s, %(healed)s healed.") % told
    said = as_link(reverse("admin:monitoring_syncrun_change", args=[run.pk]), compared)
    return Part(name=name, colour=BAD if is_bad else GOOD, sentence=said)


def _deliveries(scope: Scope) -> Iterator[Part]:
    feeds = list(scope.within(KapsoFeed.objects.visible_to(scope.user)))
    if not feeds:
        return
    name = _("Deliveries from Kapso")
    deliveries = scope.within(KapsoDelivery.objects.visible_to(scope.user))
    if parked := capped_count(deliveries.parked()):
        text = ngettext("%(n)s broke ten times.", "%(n)s broke ten times.", parked)
        url = list_url("sarah_kapsodelivery", outcome="parked", **scope.filters)
        said = as_link(url, text % {"n": shown_count(parked)})
        yield Part(name=name, colour=BAD, sentence=said, url=url, action=_("Replay them"))
        return
    last = max((feed.last_event_at for feed in feeds if feed.last_event_at), default=None)
    if last is None:
        page = reverse("admin:contacts_workspace_webhook", args=[feeds[0].workspace_id])
        sentence = _("Connected, but nothing has come yet.")
        yield Part(name=name, colour=FAIR, sentence=sentence, url=page, action=_("See why"))
        return
    url = reverse("admin:sarah_kapsodelivery_changelist")
    sentence = _("The last came %s.") % _ago(last, timezone.now())
    yield Part(name=name, colour=GOOD, sentence=sentence, url=url, action=_("See them"))


def _alerts(vitals: Vitals) -> Part:
    url = reverse("admin:monitoring_alertsettings_changelist")
    name, action = _("Alerts"), _("Alert settings")
    if count := vitals.failing_deliveries:
        text = ngettext("%(n)s could not be delivered.", "%(n)s could not be delivered.", count) % {
            "n": shown_count(count)
        }
        return Part(name=name, colour=BAD, sentence=as_link(url, text), url=url, action=action)
    sentence = _("All that was sent has arrived.")
    return Part(name=name, colour=GOOD, sentence=sentence, url=url, action=action)


def _backup() -> Part:
    name, last = _("Backup"), Backup.objects.first()
    if last is None:
        sentence = _("None was made yet: let cron run manage.py backup each night.")
        return Part(name=name, colour=FAIR, sentence=sentence)
    now = timezone.now()
    colour = GOOD if now - last.finished_at < LATE_AFTER else BAD
    sentence = _("Made and tried %s.") % _ago(last.finished_at, now)
    return Part(name=name, colour=colour, sentence=sentence)


def _ago(moment: datetime, now: datetime) -> str:
    if now - moment < A_MINUTE:
        return _("just now")
    return _("%s ago") % timesince(moment, now, depth=1)
