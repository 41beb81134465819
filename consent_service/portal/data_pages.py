"""My data: what is held, where it came from, and correcting it."""

from flask import Response, request

from consent_service.accounts import signed_in
from consent_service.catalogue import service as catalogues
from consent_service.customers import service as customers
from consent_service.customers.model import (
    AgeBand,
    Changes,
    Customer,
    IdentifierType,
    ProfileValue,
)
from consent_service.disclosures.texts import name_in
from consent_service.kernel.errors import PreconditionFailed
from consent_service.portal import asking, words
from consent_service.portal.navigation import DATA, REQUESTS
from consent_service.privacy_requests.model import RequestKind, request_id_text
from consent_service.web.pages import Pages, language, render, see_other
from consent_service.web.runtime import keys, now
from consent_service.web.texts import LANGUAGES, Language, language_for, say

pages = Pages("portal_data", __name__)

_LONGEST, _LONGEST_NOTE = 500, 4_000
_FIELD = "profile."


@pages.get(DATA)
@signed_in.require_customer
def show_data() -> Response:
    """What finds a person, what is known of them, and where each came from."""
    spoken = language()
    customer = customers.get_customer(signed_in.get_customer(), keys())
    facts = customer.facts
    written = language_for(customer.language)
    return render(
        "portal/data.html",
        identifiers=[
            (_type(each.type, spoken), each.given, _source(each.source, spoken))
            for each in customer.identifiers
        ],
        profile=[
            (_label(name, spoken), value.value, _source(value.source, spoken))
            for name, value in sorted(customer.profile.items())
        ],
        country=None if facts.jurisdiction is None else _place(facts.jurisdiction, spoken),
        age=None if facts.age_band is None else _age(facts.age_band, spoken),
        written=customer.language if written is None else written.name,
        since=customer.created_at,
        changed=request.args.get("changed") == "1",
    )


@pages.get(f"{DATA}/correct")
@signed_in.require_customer
def show_correct() -> Response:
    """A form with what one may change oneself, and room for what one may not."""
    return _form(customers.get_customer(signed_in.get_customer(), keys()))


@pages.post(f"{DATA}/correct")
@signed_in.require_customer
def correct() -> Response:
    """Changes what was changed, and hands in a request about the rest."""
    customer = customers.get_customer(signed_in.get_customer(), keys())
    note = request.form.get("note", "").strip()
    errors = _faults(customer, note)
    if not errors:
        try:
            changed = _change(customer)
        except PreconditionFailed:
            text = say(
                language(), "This was changed elsewhere meanwhile. Look at it, and save again."
            )
            errors = {"": text}
    if errors:
        return _form(customer, 422, errors)
    if note:
        made = asking.ask(RequestKind.RECTIFICATION, note)
        return see_other(f"{REQUESTS}/{request_id_text(made.id)}?new=1")
    return see_other(f"{DATA}?changed=1" if changed else DATA)


def _change(customer: Customer) -> bool:
    """Whether there was anything to change. Raises: PreconditionFailed."""
    profile = {
        name: ProfileValue(given, None) if given else None
        for name, value in customer.profile.items()
        for given in [request.form.get(_FIELD + name, value.value).strip()]
        if given != value.value
    }
    wanted = LANGUAGES.get(request.form.get("language", ""))
    other = wanted is not None and wanted.code != customer.language
    if not profile and not other:
        return False
    code = wanted.code if wanted is not None and other else None
    shown = request.form.get("revision", "")
    customers.change_customer(
        customer.id,
        Changes(profile=profile, language=code),
        int(shown) if shown.isdecimal() and len(shown) < 10 else -1,
        now(),
        keys(),
    )
    return True


def _faults(customer: Customer, note: str) -> dict[str, str]:
    spoken = language()
    found = {
        _FIELD + name: say(spoken, "Write at most %(most)s characters.", most=_LONGEST)
        for name in customer.profile
        if len(request.form.get(_FIELD + name, "")) > _LONGEST
    }
    if len(note) > _LONGEST_NOTE:
        found["note"] = say(spoken, "Write at most %(most)s characters.", most=_LONGEST_NOTE)
    return found


def _form(customer: Customer, status: int = 200, errors: dict[str, str] | None = None) -> Response:
    spoken, written = language(), language_for(customer.language)
    return render(
        "portal/correct.html",
        status,
        errors=errors or {},
        revision=customer.revision,
        fields=[
            (_FIELD + name, _label(name, spoken), request.form.get(_FIELD + name, value.value))
            for name, value in sorted(customer.profile.items())
        ],
        written=request.form.get("language", written.code if written else ""),
        note=request.form.get("note", ""),
        longest=_LONGEST,
    )


def _type(of: IdentifierType, spoken: Language) -> str:
    words_of = {
        IdentifierType.CUSTOMER_NUMBER: say(spoken, "Customer number"),
        IdentifierType.EMAIL: say(spoken, "E-mail address"),
        IdentifierType.PHONE: say(spoken, "Phone number"),
        IdentifierType.DEVICE: say(spoken, "Device"),
    }
    return words_of[of]


def _label(name: str, spoken: Language) -> str:
    """What a field of the profile is called; one that we have no word for by its own name."""
    known = {
        "first_name": say(spoken, "First name"),
        "last_name": say(spoken, "Last name"),
        "birthday": say(spoken, "Birthday"),
    }
    return known.get(name) or name.replace("_", " ").capitalize()


def _source(key: str | None, spoken: Language) -> str:
    catalogue = catalogues.current()
    known = catalogue.data_sources.get(key or "")
    if known is None:
        return key or say(spoken, "from you, or from somebody who did not say")
    return f"{name_in(spoken, known.text, catalogue)} ({words.party(known.party, spoken)})"


def _age(band: AgeBand, spoken: Language) -> str:
    bands = {
        AgeBand.UNDER_13: say(spoken, "under 13"),
        AgeBand.FROM_13: say(spoken, "13 to 15"),
        AgeBand.FROM_16: say(spoken, "16 or 17"),
        AgeBand.ADULT: say(spoken, "18 or older"),
    }
    return bands[band]


def _place(jurisdiction: str, spoken: Language) -> str:
    code, _, region = jurisdiction.partition("-")
    return words.country(code, spoken) + (f" ({region})" if region else "")
