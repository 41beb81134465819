"""English."""

from consent_service.oauth.texts import Texts

TEXTS = Texts(
    title="An app asks for access",
    question_before="May ",
    question_after=" act for you?",
    may="If you allow it, this app may:",
    scopes={
        "catalogue:read": "see what data is used for in general",
        "customers:read": "see your profile and your addresses and numbers on file",
        "customers:write": "change your profile and language, see and end what you allowed apps",
        "consents:read": "see what you agreed to and refused, and the receipts",
        "consents:write": "agree, refuse and withdraw in your name",
        "decisions:check": "ask whether your data may be used for a purpose",
        "disclosures:read": "see who asked about you and who used your data",
    },
    about_you="It reaches your data alone, nobody else's.",
    how_long="This holds for {days} days, then you are asked again. You can end it at any time.",
    leads_to="Your answer leads back to",
    allow="Allow",
    refuse="Refuse",
    refused_title="This link does not work",
    refused="The app that sent you here is not known to us, or asks to be answered at an address "
    "that is not its own. Nothing was allowed. Tell the people who run the app.",
)
