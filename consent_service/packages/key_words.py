"""What keys are called in a language, by what they are keys of."""

from collections.abc import Mapping

from consent_service.web.texts import Language, say


def said_in(language: Language) -> Mapping[str, Mapping[str, str]]:
    """All of them."""
    return {
        "event": _events(language),
        "state": _states(language),
        "identifier": _identifiers(language),
        "mark": _marks(language),
        "party": _parties(language),
        "role": _roles(language),
        "step": _steps(language),
        "actor": _actors(language),
        "age": _ages(language),
    }


def _events(language: Language) -> Mapping[str, str]:
    return {
        "requested": say(language, "You were asked to confirm"),
        "given": say(language, "You agreed"),
        "renewed": say(language, "You agreed again"),
        "refused": say(language, "You refused"),
        "withdrawn": say(language, "You withdrew your agreement"),
        "objected": say(language, "You objected"),
        "revoked": say(language, "We ended it"),
    }


def _states(language: Language) -> Mapping[str, str]:
    return {
        "requested": say(language, "to be confirmed by you"),
        "given": say(language, "agreed"),
        "refused": say(language, "refused"),
        "withdrawn": say(language, "withdrawn"),
        "objected": say(language, "objected"),
        "revoked": say(language, "ended by us"),
    }


def _identifiers(language: Language) -> Mapping[str, str]:
    return {
        "customer_number": say(language, "Customer number"),
        "email": say(language, "E-mail address"),
        "phone": say(language, "Phone number"),
        "device": say(language, "Device"),
    }


def _marks(language: Language) -> Mapping[str, str]:
    return {
        "complained": say(language, "a complaint about our messages"),
        "opted_out": say(language, "you asked for no more messages"),
        "erased": say(language, "you had been erased here before"),
        "undeliverable": say(language, "messages could not be delivered"),
        "deceased": say(language, "we were told that the person has died"),
    }


def _parties(language: Language) -> Mapping[str, str]:
    return {
        "first": say(language, "from you or our own services"),
        "second": say(language, "from a partner"),
        "third": say(language, "from somebody else"),
    }


def _roles(language: Language) -> Mapping[str, str]:
    return {
        "internal": say(language, "part of us"),
        "processor": say(language, "works for us"),
        "partner": say(language, "a partner"),
    }


def _steps(language: Language) -> Mapping[str, str]:
    return {
        "received": say(language, "received"),
        "confirmed": say(language, "confirmed"),
        "approved": say(language, "approved"),
        "rejected": say(language, "rejected"),
        "extended": say(language, "put off"),
        "running": say(language, "under way"),
        "done": say(language, "done"),
        "failed": say(language, "not done in full"),
        "cancelled": say(language, "cancelled"),
        "held": say(language, "held"),
        "released": say(language, "no longer held"),
        "lift_announced": say(language, "you were told that the stop ends"),
        "lift_cancelled": say(language, "the stop stays after all"),
        "lifted": say(language, "the stop has ended"),
    }


def _actors(language: Language) -> Mapping[str, str]:
    return {
        "client": say(language, "by one of our systems"),
        "customer": say(language, "by you"),
        "guardian": say(language, "by your guardian"),
        "staff": say(language, "by our staff"),
        "system": say(language, "by the service itself"),
    }


def _ages(language: Language) -> Mapping[str, str]:
    return {
        "under_13": say(language, "under %(age)s", age=13),
        "13_15": "13–15",
        "16_17": "16–17",
        "adult": say(language, "%(age)s or older", age=18),
    }
