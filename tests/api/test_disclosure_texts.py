import pytest

from consent_service.catalogue.model import Channel
from tests.support import small_catalogue

OWN = "/v1/customers/{}/disclosures"


def said(shop, customer, language=None):
    """The words for each entry, in the language and from what is said of it."""
    headers = {} if language is None else {"Accept-Language": language}
    reply = shop.api.get(OWN.format(customer), headers=headers)
    assert reply.headers["Vary"] == "Accept-Language"
    return reply.headers["Content-Language"], [item["text"] for item in reply.json["items"]]


@pytest.fixture
def ann(shop):
    made = shop.customer("ann@example.org")
    shop.say(made, "given")
    return made


def use(shop, customer, **changes):
    body = {
        "decision_id": shop.check(customer)["decision_id"],
        "data_categories": ["name"],
        "recipient": "mailer",
        "touchpoint": "web",
        "occurred_at": shop.at(),
        **changes,
    }
    assert shop.api.post("/v1/disclosures", body).status_code == 201


def test_checks_are_told_with_names_and_channel(shop, ann):
    shop.check(ann)
    shop.check(ann, "ads", data_categories=["purchase_history"])
    shop.check(ann, "offers", channel="sms", data_categories=[])
    asked = "asked whether they may use your data"
    assert said(shop, ann)[1] == [
        f"mailer {asked} (email_address; name) for “news” by e-mail: allowed.",
        f"broker {asked} (purchase_history) for “ads”: not allowed.",
        f"mailer {asked} for “offers” by text message: not allowed.",
    ]


def test_uses_are_told_as_allowed_or_not(shop, ann):
    use(shop, ann)
    use(shop, ann, recipient="broker")
    assert [text for text in said(shop, ann)[1] if " used " in text] == [
        "mailer used your data (name) for “news” by e-mail, as allowed.",
        "broker used your data (name) for “news” by e-mail, although this was not allowed.",
    ]


LANGUAGES = [
    (None, "en"),
    ("", "en"),
    ("de", "en"),
    ("ru", "ru"),
    ("de, ru;q=0.5, en;q=0.4", "ru"),
    ("ru;q=0, ar;q=0.1", "ar"),
    ("zh-CN", "zh-Hans"),
    ("zh-TW", "en"),
]


def test_the_language_is_the_one_asked_for_or_english(shop, ann):
    shop.check(ann)
    texts = {}
    for asked, found in LANGUAGES:
        language, (text,) = said(shop, ann, asked)
        assert language == found, asked
        assert texts.setdefault(found, text) == text
    assert len(set(texts.values())) == 4


def test_names_are_those_of_the_catalogue_in_the_language(open_shop, sample_catalogue):
    shop = open_shop("retailer", recipients=["email_service"])
    made = shop.customer("eva@example.org")
    shop.check(made, "marketing.newsletter", recipient="email_service")
    assert [said(shop, made, code)[1][0] for code in ("en", "ru", "zh-Hans", "ar")] == [
        "E-mail service that sends our messages asked whether they may use your data (E-mail "
        "address; First and last name) for “Newsletter” by e-mail: not allowed.",
        "Почтовый сервис, который отправляет наши письма: запрос на использование ваших данных "
        "(Адрес электронной почты; Имя и фамилия) для цели «Рассылка по электронной почте» по "
        "электронной почте. Ответ: не разрешено.",
        "替我们发送邮件的服务商询问能否为“邮件资讯”（通过电子邮件）使用您的数据（电子邮箱；姓名）。答复：不允许。",
        "خدمة بريد إلكتروني ترسل رسائلنا: طلب استخدام بياناتك (عنوان البريد الإلكتروني؛ الاسم واسم "
        "العائلة) لغرض «النشرة البريدية» عبر البريد الإلكتروني. الجواب: غير مسموح.",
    ]


def test_a_language_the_catalogue_lacks_has_the_names_of_its_first(shop, ann):
    shop.check(ann)
    assert "«news» عبر البريد" in said(shop, ann, "ar")[1][0]
    assert "email_address (ru)" in said(shop, ann, "ru")[1][0]


def test_names_stay_those_of_then(shop, ann):
    shop.check(ann)
    before = said(shop, ann)
    renamed = small_catalogue.texts("Another name")
    recipient = {"key": "mailer", "role": "processor", "country": "DE", "text": renamed}
    shop.load(small_catalogue.purpose("other"), recipients=[recipient])
    assert said(shop, ann) == before
    shop.check(ann, "other")
    assert said(shop, ann)[1][1].startswith("Another name asked")


def test_who_is_not_in_the_catalogue_is_called_by_the_key(shop, ann):
    shop.api.post("/v1/decisions", {"customer_id": ann, "purpose": "news", "recipient": "moon"})
    check = {"customer_id": ann, "purpose": "unheard.of", "data_categories": ["name"]}
    shop.api.post("/v1/decisions/batch", {"checks": [check]})
    one, two = said(shop, ann)[1]
    assert one.startswith("shop asked")
    assert two == (
        "mailer asked whether they may use your data (name) for a purpose that we do not have: "
        "not allowed."
    )


def test_every_channel_has_words(shop):
    shop.load(small_catalogue.purpose("all", channels=list(Channel)))
    customer = shop.customer()
    for channel in Channel:
        shop.check(customer, "all", channel=channel.value)
    for language in ("en", "ru", "zh-Hans", "ar"):
        assert len(set(said(shop, customer, language)[1])) == len(Channel)
