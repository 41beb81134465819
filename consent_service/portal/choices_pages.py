"""My choices: to see, to change, and what came of it."""

import json

from flask import Response, request

from consent_service.accounts import signed_in
from consent_service.catalogue import service as catalogues
from consent_service.catalogue.model import Channel
from consent_service.consents import confirming, receipts
from consent_service.consents import service as consents
from consent_service.consents.model import Event
from consent_service.effort_scores.model import About
from consent_service.kernel.errors import NotFound
from consent_service.portal import cards, choices, effort_pages, words
from consent_service.portal.choices import ALL, Said, Saved
from consent_service.portal.model import read_shown, shown_text
from consent_service.portal.navigation import CHOICES
from consent_service.web.pages import Pages, language, render, see_other
from consent_service.web.runtime import keys, now, runtime
from consent_service.web.texts import say

pages = Pages("portal_choices", __name__)

_ANSWERS = {"yes": True, "no": False}
_PER_PAGE = 20


@pages.get(CHOICES)
@signed_in.require_customer
def show_choices() -> Response:
    """Every use, with what holds of it now."""
    return _page()


@pages.post(CHOICES)
@signed_in.require_customer
def save_choices() -> Response:
    """Records what was changed, and leads to its confirmation."""
    all_of = ALL.get(request.form.get("all", ""))
    shown = read_shown(request.form.get("shown", ""), forced=all_of is not None)
    answers = {name: _ANSWERS[given] for name, given in request.form.items() if given in _ANSWERS}
    said = Said(answers, all_of, shown, language().code)
    saved = choices.save(signed_in.get_customer(), said, now(), keys())
    if saved.plan.stale:
        return _page(409, saved, answers)
    if saved.event is None:
        return see_other(f"{CHOICES}?unchanged=1")
    return see_other(f"{CHOICES}/saved/{saved.event.hex}")


@pages.post(f"{CHOICES}/again")
@signed_in.require_customer
def send_again() -> Response:
    """Has the link that confirms a yes sent once more."""
    purpose, _, channel = request.form.get("use", "").partition("/")
    if channel and channel not in set(Channel):
        raise NotFound()
    of = Channel(channel) if channel else None
    sent = confirming.ask_again(signed_in.get_customer(), purpose, of, now())
    return see_other(f"{CHOICES}?sent={int(sent)}")


@pages.get(f"{CHOICES}/saved/<event>")
@signed_in.require_customer
def show_saved(event: str) -> Response:
    """What was recorded, its reference, and what follows from it."""
    first = choices.get_own_event(signed_in.get_customer(), event)
    recorded = choices.list_saved(signed_in.get_customer(), first.id)
    picture = choices.look(signed_in.get_customer(), now())
    by_name = {(use.purpose.key, use.channel): use for use in picture.uses}
    spoken = language()
    return render(
        "portal/saved.html",
        effort=About.CHOICE if choices.is_first(recorded) and effort_pages.may_ask() else None,
        first=first,
        reference=choices.reference(first.id),
        changes=[_in_words(each) for each in recorded],
        uses=[
            use for use in picture.uses if any(each.purpose == use.purpose.key for each in recorded)
        ],
        title_of=lambda use: words.purpose_text(use.purpose, picture.catalogue, spoken).title,
        state_of=lambda use: words.state(use, spoken),
        channel_of=lambda use: words.channel(use.channel, spoken),
        waiting=any(by_name[key].reason == "requested" for key in by_name if _is_in(key, recorded)),
        alone=[
            card
            for card in cards.cards(picture.uses, picture.catalogue, spoken)
            if any(use.alone and use.answer is None and use.by_all for use in card.uses)
        ]
        if all(each.kind.is_yes or each.kind == "requested" for each in recorded)
        else [],
    )


@pages.get(f"{CHOICES}/saved/<event>/receipt")
@signed_in.require_customer
def download_receipts(event: str) -> Response:
    """The signed receipts of what was recorded at once, each with its fields in the clear."""
    first = choices.get_own_event(signed_in.get_customer(), event)
    found = [_receipt(each) for each in choices.list_saved(signed_in.get_customer(), first.id)]
    body = {
        "reference": choices.reference(first.id),
        "receipts": [
            {"fields": fields, "jws": receipts.sign_receipt(fields, keys())} for fields in found
        ],
    }
    text = json.dumps(body, ensure_ascii=False, indent=2)
    response = Response(text, mimetype="application/json")
    name = f"receipt-{choices.reference(first.id)}.json"
    response.headers["Content-Disposition"] = f"attachment; filename={name}"
    return response


@pages.get(f"{CHOICES}/history/<purpose>")
@signed_in.require_customer
def show_history(purpose: str) -> Response:
    """Every answer behind a choice, the last first."""
    catalogue = catalogues.current()
    if purpose not in catalogue.purposes:
        raise NotFound()
    found = consents.list_history(
        signed_in.get_customer(), purpose, request.args.get("cursor"), _PER_PAGE
    )
    return render(
        "portal/history.html",
        title=words.purpose_text(catalogue.purposes[purpose], catalogue, language()).title,
        anchor=purpose.replace(".", "-"),
        purpose=purpose,
        changes=[_in_words(each) for each in found.items],
        older=found.next_cursor,
    )


def _page(
    status: int = 200, saved: Saved | None = None, typed: dict[str, bool] | None = None
) -> Response:
    spoken, picture = language(), choices.look(signed_in.get_customer(), now())
    found = cards.cards(picture.uses, picture.catalogue, spoken)
    errors = {}
    if saved is not None:
        changed = say(
            spoken,
            "What you see here has changed since you opened the page. Look at it, and save again.",
        )
        errors = {f"{_field(use.name)}-yes": changed for use in saved.plan.stale}
    return render(
        "portal/choices.html",
        status,
        cards=found,
        facts=picture.facts,
        shown=shown_text(picture.uses),
        typed=typed or {},
        errors=errors,
        done=saved is not None and bool(saved.plan.events),
        unchanged=request.args.get("unchanged") == "1",
        sent=request.args.get("sent", ""),
        waiting=[use for use in picture.uses if use.reason == "requested"],
        title_of=lambda use: words.purpose_text(use.purpose, picture.catalogue, spoken).title,
        field=_field,
        state_of=lambda use: words.state(use, spoken),
        channel_of=lambda use: words.channel(use.channel, spoken),
        listed=lambda names: words.listed(names, spoken),
        date=lambda instant: words.date(instant, spoken),
    )


def _field(name: str) -> str:
    """A use's name as an id in a page."""
    return name.replace(".", "-").replace("/", "--")


def _is_in(place: tuple[str, object], recorded: list[Event]) -> bool:
    return any(each.purpose == place[0] and each.channel in (None, place[1]) for each in recorded)


def _in_words(event: Event) -> dict[str, object]:
    """An event as the pages list it."""
    spoken, catalogue = language(), catalogues.at(event.recorded_at)
    purpose = catalogue.purposes.get(event.purpose)
    title = event.purpose
    if purpose is not None:
        title = words.purpose_text(purpose, catalogue, spoken).title
    notice = None
    if purpose is not None and event.notice_version is not None:
        notice = catalogue.find_notice(purpose.notice, event.notice_version)
    return {
        "event": event,
        "title": title,
        "channel": words.channel(event.channel, spoken),
        "what": words.event(event.kind, spoken),
        "who": words.who(event, spoken),
        "where": "" if event.imported else words.touchpoint(event.touchpoint, catalogue, spoken),
        "notice": None if notice is None else notice.text.get(event.language or ""),
    }


def _receipt(event: Event) -> dict[str, object]:
    return receipts.get_receipt(event.customer_id, event.id, runtime().settings.base_url)
