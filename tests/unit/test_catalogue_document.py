import json
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from consent_service import catalogue
from consent_service.catalogue.document import build, canonical, parse
from consent_service.catalogue.faults import MAX_FAULTS
from consent_service.catalogue.history import check_history, differences
from consent_service.catalogue.model import Change, Channel, LegalBasis, Regime
from consent_service.catalogue.positions import MAX_BYTES, MalformedDocument, read
from consent_service.catalogue.versions import DifferenceKind
from consent_service.kernel.errors import Invalid
from consent_service.ledger.model import EntryKind
from consent_service.web.colours import WHITE, contrast

SAMPLE = Path(catalogue.__file__).parent / "sample" / "catalogue.yaml"
NOW = datetime(2026, 10, 1, tzinfo=UTC)

DOCUMENT = """\
languages: [en, ru]
controller:
  name: Example
  contact: privacy@example.org
  privacy_officer: officer@example.org
  logo: null
  accent_colour: '#1b5e57'
jurisdictions:
  DE:
    accepted_bases: [consent, contract, legitimate_interests]
    request_days:
      access: 30
      portability: 30
      rectification: 30
      erasure: 30
      restriction: 30
      objection: 30
    extension_days: 60
    source: GDPR art. 12(3)
data_categories:
  - key: email_address
    text: {en: E-mail address, ru: Адрес почты}
    sensitive: false
data_sources:
  - key: web_shop
    party: first
    text: {en: Web shop, ru: Магазин}
recipients:
  - key: email_service
    role: processor
    country: NO
    text: {en: E-mail service, ru: Почта}
touchpoints:
  - key: web
    kind: web
    text: {en: Website, ru: Сайт}
notices:
  - key: newsletter
    version: "1"
    change: material
    in_use_from: 2026-01-01T00:00:00Z
    text: {en: We write., ru: Мы пишем.}
  - key: newsletter
    version: "2"
    change: minor
    in_use_from: 2026-06-01T02:00:00+02:00
    text: {en: We write weekly., ru: Мы пишем раз в неделю.}
purposes:
  - key: marketing.newsletter
    text:
      en: {title: News, description: We write., benefit: You know.}
      ru: {title: Новости, description: Мы пишем., benefit: Вы знаете.}
    legal_basis: consent
    notice: newsletter
    channels: [email, sms]
    data_categories: [email_address]
    data_sources: [web_shop]
    recipients: [email_service]
    regime:
      default: opt_in
      by:
        - {channel: email, jurisdiction: DE, regime: opt_out}
    direct_marketing: true
    sale_or_targeted_advertising: false
    explicit: false
    separate: false
    minimum_age: 16
    confirmation: double
    restriction_ground: null
    validity_days: null
    retention_days: 730
    proof_retention_days: 0
    answer_lifetime_s: 60
"""


def changed(old, new, document=DOCUMENT):
    assert document.count(old) == 1, old
    return document.replace(old, new)


def errors_of(text):
    with pytest.raises(Invalid) as caught:
        parse(text)
    return caught.value.errors


def built(text, version=1):
    return build(parse(text).document, version, NOW)


def test_a_document_becomes_values():
    made = built(DOCUMENT, version=3)
    assert (made.version, made.recorded_from) == (3, NOW)
    assert made.languages == ("en", "ru")
    assert made.controller.logo is None
    assert made.jurisdictions["DE"].request_days["objection"] == 30
    assert made.recipients["email_service"].country == "NO"
    assert [n.version for n in made.notices["newsletter"]] == ["1", "2"]
    assert made.notices["newsletter"][1].in_use_from == datetime(2026, 6, 1, tzinfo=UTC)
    assert made.notices["newsletter"][0].change is Change.MATERIAL
    purpose = made.purposes["marketing.newsletter"]
    assert purpose.legal_basis is LegalBasis.CONSENT
    assert purpose.channels == (Channel.EMAIL, Channel.SMS)
    assert purpose.regime(Channel.EMAIL, "DE") is Regime.OPT_OUT
    assert purpose.text["ru"].title == "Новости"
    assert purpose.proof_retention_days == 0


def test_days_are_working_days_where_it_says_so():
    assert built(DOCUMENT).jurisdictions["DE"].working_days == frozenset()
    more = changed("12(3)\n", "12(3)\n    working_days: [access, extension]\n")
    assert built(more).jurisdictions["DE"].working_days == {"access", "extension"}


def test_a_kind_of_request_is_in_days_or_in_months():
    more = "request_months: {access: 1}\n    extension_months: 2"
    document = changed("extension_days: 60", more, changed("      access: 30\n", ""))
    made = built(document).jurisdictions["DE"]
    assert (made.request_months, made.extension_months) == ({"access": 1}, 2)
    assert "access" not in made.request_days
    assert made.extension_days == 0


def test_without_a_word_the_log_is_kept_for_years():
    days = built(DOCUMENT).log_retention_days
    assert set(days) == set(EntryKind)
    assert days[EntryKind.DECISION] == 1095
    longer = built(changed("proof_retention_days: 0", "proof_retention_days: 9000"))
    assert longer.log_retention_days[EntryKind.CONSENT] == 9000
    assert longer.log_retention_days[EntryKind.DECISION] == 1095


def test_a_kind_of_entry_may_be_kept_for_other_days():
    days = built(DOCUMENT + "log_retention_days: {decision: 400}\n").log_retention_days
    assert days[EntryKind.DECISION] == 400
    ours = built(DOCUMENT).log_retention_days
    assert days == ours | {EntryKind.DECISION: 400, EntryKind.BATCH: 400}  # as long as its answers


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("decision: 29", "out_of_range"),
        ("decision: 36526", "out_of_range"),
        ("decision: null", "wrong_type"),
        ("decision: 400.5", "wrong_type"),
        ("decisions: 400", "unknown_field"),
        ("consent: 364", "shorter_than_proof"),
    ],
)
def test_days_that_the_log_cannot_keep_to_are_told_by_line(said, code):
    text = changed("proof_retention_days: 0", "proof_retention_days: 365")
    (error,) = errors_of(f"{text}log_retention_days:\n  {said}\n")
    key = said.partition(":")[0]
    assert (error.pointer, error.code) == (f"/log_retention_days/{key}", code)
    assert error.detail.startswith(f"line {text.count(chr(10)) + 2}: {key}: ")


def test_the_sample_loads():
    source = parse(SAMPLE.read_bytes())
    made = build(source.document, 1, NOW)
    assert len(made.purposes) == len(source.document["purposes"])


def test_json_is_read_as_yaml_is():
    document = parse(DOCUMENT).document
    document["purposes"][0]["text"]["en"]["title"] = 'News \U0001f600 \\ud83d "quoted" \\'
    for text in (
        json.dumps(document),
        json.dumps(document, indent="\t"),
        json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode(),
    ):
        assert parse(text).document == document


def test_the_canonical_form_is_of_the_content_alone():
    document = parse(DOCUMENT).document
    backwards = dict(reversed(document.items()))
    assert canonical(document) == canonical(backwards)
    assert build(json.loads(canonical(document)), 1, NOW) == built(DOCUMENT)


def test_plain_words_are_text():
    assert read("{a: no, b: on, c: 2026-10-01, d: 1:30, e: .nan, f: <<, g: =}").document == {
        "a": "no",
        "b": "on",
        "c": "2026-10-01",
        "d": "1:30",
        "e": ".nan",
        "f": "<<",
        "g": "=",
    }
    assert read('{a: true, b: ~, c: -7, d: 1.5, e: "1"}').document == {
        "a": True,
        "b": None,
        "c": -7,
        "d": 1.5,
        "e": "1",
    }


@pytest.mark.parametrize(
    "text",
    [b"", "a: [", "a: b\n c: d", "a: 1\n---\nb: 2", b"\xff\xfe", '{"a": "\ud800"}', "a: \x01"],
)
def test_what_is_not_one_document_is_malformed(text):
    with pytest.raises(MalformedDocument):
        read(text)


def test_malformed_says_where_and_repeats_nothing():
    with pytest.raises(MalformedDocument) as caught:
        read("languages: [en]\nsecret: ]")
    assert str(caught.value) == "Line 2: not well-formed YAML or JSON."


@pytest.mark.parametrize(
    ("text", "pointer", "code", "line"),
    [
        ("a: 1\nb: !!python/object:os.system x", "/b", "tag", 2),
        ("a: 1\nb: ! x", "/b", "tag", 2),
        ("a: 1\nb: !!map {}", "/b", "tag", 2),
        ("a:\n  - &x [1]\n", "/a/0", "alias", 2),
        ("a: 1\n&x b: 2", "/b", "alias", 2),
        ("a: 1\nb: 2\na: 3", "/a", "repeated", 1),
        ("a: 1\n? [x]\n: 2", "", "invalid_key", 1),
        ("a:\n  'b c': 2", "/a", "invalid_key", 1),
        ("a:\n  " + "b" * 65 + ": 2", "/a", "invalid_key", 1),
        ('a: 1\nb: "\\0"', "/b", "invalid_text", 2),
        ("- a", "", "wrong_type", 1),
        ("a", "", "wrong_type", 1),
    ],
)
def test_clever_yaml_is_refused(text, pointer, code, line):
    with pytest.raises(Invalid) as caught:
        read(text)
    (error,) = caught.value.errors
    assert (error.pointer, error.code) == (pointer, code)
    assert error.detail.startswith(f"line {line}: ")


def test_billion_laughs_end_at_the_first():
    lines = ["a0: &a0 [x, x, x]"]
    lines += [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}, *a{n - 1}]" for n in range(1, 40)]
    began = time.monotonic()
    with pytest.raises(Invalid) as caught:
        read("\n".join(lines))
    assert {error.code for error in caught.value.errors} == {"alias"}
    assert len(caught.value.errors) == MAX_FAULTS
    assert time.monotonic() - began < 1


@pytest.mark.parametrize("opening", ["[", "{a: ", '{"a":', "- "])
def test_depth_is_bounded(opening):
    for levels in (21, 100_000):
        with pytest.raises(Invalid) as caught:
            read(opening * levels)
        assert [error.code for error in caught.value.errors] == ["too_deep"]


def test_twenty_levels_are_read():
    assert read('{"a":' * 20 + "1" + "}" * 20).document


def test_size_is_bounded():
    with pytest.raises(Invalid) as caught:
        read("a: " + "x" * MAX_BYTES)
    assert caught.value.errors[0].code == "too_large"


def test_a_large_wrong_document_is_refused_in_time():
    text = "data_categories: [" + "x," * (MAX_BYTES // 2 - 20) + "]"
    began = time.monotonic()
    assert errors_of(text)[-1].code == "too_large"
    assert time.monotonic() - began < 5


# Each fault is on the line that ends in `# here`.
FAULTS = [
    ("languages: [en, ru]", "languages: [] # here", "/languages", "too_short"),
    ("languages: [en, ru]", "languages: [en, ru, ru] # here", "/languages/2", "repeated"),
    ("languages: [en, ru]", "languages: [en, ru, 7] # here", "/languages/2", "wrong_type"),
    ("  name: Example", "  name: ' ' # here", "/controller/name", "too_short"),
    ("  name: Example", "  name: 7 # here", "/controller/name", "wrong_type"),
    ("  name: Example", f"  name: {'x' * 201} # here", "/controller/name", "too_long"),
    ("  logo: null", "  logo: false # here", "/controller/logo", "wrong_type"),
    ("  logo: null", "  logo: https://example.org/l.png # here", "/controller/logo", "invalid"),
    ("  logo: null", "  logo: data:text/html;base64,AAAA # here", "/controller/logo", "invalid"),
    (
        "  logo: null",
        f"  logo: data:image/png;base64,{40_000 * 'A'} # here",
        "/controller/logo",
        "too_long",
    ),
    ("  logo: null", "  logo: null\n  x: 1 # here", "/controller/x", "unknown_field"),
    ("'#1b5e57'", "'#1b5e5' # here", "/controller/accent_colour", "invalid"),
    ("'#1b5e57'", "'#777777' # here", "/controller/accent_colour", "low_contrast"),
    ("'#1b5e57'", "'#747474' # here", "/controller/accent_colour", "low_contrast"),  # on the ground
    ("  DE:\n", "  De: # here\n", "/jurisdictions/De", "invalid_key"),
    (
        "accepted_bases: [consent, contract, legitimate_interests]",
        "accepted_bases: # here",
        "/jurisdictions/DE/accepted_bases",
        "wrong_type",
    ),
    (
        "[consent, contract, legitimate_interests]",
        "[consent, whim] # here",
        "/jurisdictions/DE/accepted_bases/1",
        "not_a_choice",
    ),
    (
        "      access: 30",
        "      access: 0 # here",
        "/jurisdictions/DE/request_days/access",
        "out_of_range",
    ),
    (
        "      access: 30",
        "      access: 1.5 # here",
        "/jurisdictions/DE/request_days/access",
        "wrong_type",
    ),
    (
        "    request_days:\n      access: 30",
        "    request_days: # here",
        "/jurisdictions/DE/request_days/access",
        "required",
    ),
    (
        "    extension_days: 60",
        "    extension_days: -1 # here",
        "/jurisdictions/DE/extension_days",
        "out_of_range",
    ),
    (
        "    source: GDPR art. 12(3)\n",
        "    source: GDPR art. 12(3)\n    working_days: [access, sundays] # here\n",
        "/jurisdictions/DE/working_days/1",
        "not_a_choice",
    ),
    (
        "    source: GDPR art. 12(3)\n",
        "    source: GDPR art. 12(3)\n    working_days: true # here\n",
        "/jurisdictions/DE/working_days",
        "wrong_type",
    ),
    (
        "    source: GDPR art. 12(3)\n",
        "    source: GDPR art. 12(3)\n    request_months: {access: 1} # here\n",
        "/jurisdictions/DE/request_months/access",
        "repeated",
    ),
    (
        "    source: GDPR art. 12(3)\n",
        "    source: GDPR art. 12(3)\n    extension_months: 2 # here\n",
        "/jurisdictions/DE/extension_months",
        "repeated",
    ),
    (
        "    extension_days: 60",
        "    extension_months: 2\n    working_days: [extension] # here",
        "/jurisdictions/DE/working_days/0",
        "in_months",
    ),
    (
        "    extension_days: 60",
        "    extension_months: true # here",
        "/jurisdictions/DE/extension_months",
        "wrong_type",
    ),
    ("- key: email_address", "- key: E_mail # here", "/data_categories/0/key", "invalid"),
    (
        "    sensitive: false",
        "    sensitive: no # here",
        "/data_categories/0/sensitive",
        "wrong_type",
    ),
    (
        "{en: E-mail address, ru: Адрес почты}",
        "{en: E-mail address} # here",
        "/data_categories/0/text/ru",
        "required",
    ),
    (
        "{en: Web shop, ru: Магазин}",
        "{en: Web shop, ru: Магазин, fr: Boutique} # here",
        "/data_sources/0/text/fr",
        "unknown_field",
    ),
    ("    party: first", "    party: fourth # here", "/data_sources/0/party", "not_a_choice"),
    ("    role: processor", "    role: [x] # here", "/recipients/0/role", "not_a_choice"),
    ("    country: NO", "    country: false # here", "/recipients/0/country", "wrong_type"),
    ("    country: NO", "    country: US-CA # here", "/recipients/0/country", "invalid"),
    ("    kind: web", "    kind: The web # here", "/touchpoints/0/kind", "invalid"),
    (
        "touchpoints:\n",
        "touchpoints:\n  - {key: web, kind: web, text: {en: a, ru: b}}\n",
        "/touchpoints/1/key",
        "repeated",
    ),
    ('    version: "1"', "    version: 1 # here", "/notices/0/version", "wrong_type"),
    ('    version: "2"', '    version: "1" # here', "/notices/1/version", "repeated"),
    ("    change: minor", "    change: huge # here", "/notices/1/change", "not_a_choice"),
    (
        "2026-01-01T00:00:00Z",
        "2026-01-01T00:00:00 # here",
        "/notices/0/in_use_from",
        "invalid_time",
    ),
    (
        "2026-01-01T00:00:00Z",
        "2026-02-30T00:00:00Z # here",
        "/notices/0/in_use_from",
        "invalid_time",
    ),
    (
        "2026-01-01T00:00:00Z",
        "9999-12-31T23:59:59-10:00 # here",
        "/notices/0/in_use_from",
        "invalid_time",
    ),
    (
        "2026-06-01T02:00:00+02:00",
        "2026-01-01T02:00:00+02:00 # here",
        "/notices/1/in_use_from",
        "not_increasing",
    ),
    (
        "    legal_basis: consent",
        "    legal_basis: # here",
        "/purposes/0/legal_basis",
        "not_a_choice",
    ),
    (
        "    notice: newsletter",
        "    notice: other # here",
        "/purposes/0/notice",
        "unknown_reference",
    ),
    ("[email, sms]", "[email, fax] # here", "/purposes/0/channels/1", "not_a_choice"),
    ("[email, sms]", "[email, email] # here", "/purposes/0/channels/1", "repeated"),
    ("[email, sms]", "email # here", "/purposes/0/channels", "wrong_type"),
    (
        "data_categories: [email_address]",
        "data_categories: [email_address, shoe_size] # here",
        "/purposes/0/data_categories/1",
        "unknown_reference",
    ),
    ("[web_shop]", "[moon] # here", "/purposes/0/data_sources/0", "unknown_reference"),
    ("[email_service]", "[moon] # here", "/purposes/0/recipients/0", "unknown_reference"),
    (
        "      default: opt_in",
        "      default: yes # here",
        "/purposes/0/regime/default",
        "not_a_choice",
    ),
    (
        "{channel: email, jurisdiction: DE, regime: opt_out}",
        "{regime: opt_out} # here",
        "/purposes/0/regime/by/0",
        "required",
    ),
    (
        "{channel: email, jurisdiction: DE, regime: opt_out}",
        "{jurisdiction: FR, regime: opt_out} # here",
        "/purposes/0/regime/by/0/jurisdiction",
        "unknown_reference",
    ),
    (
        "{channel: email, jurisdiction: DE, regime: opt_out}",
        "{channel: post, regime: opt_out} # here",
        "/purposes/0/regime/by/0/channel",
        "unknown_reference",
    ),
    (
        "        - {channel: email, jurisdiction: DE, regime: opt_out}",
        "        - {channel: sms, regime: opt_in}\n"
        "        - {channel: sms, regime: opt_out} # here",
        "/purposes/0/regime/by/1",
        "repeated",
    ),
    ("    explicit: false", "    explicit: 0 # here", "/purposes/0/explicit", "wrong_type"),
    (
        "    minimum_age: 16",
        "    minimum_age: true # here",
        "/purposes/0/minimum_age",
        "wrong_type",
    ),
    ("    confirmation: double", "    confirmation: null # here", "/purposes/0/confirmation", None),
    ("_ground: null", "_ground: whim # here", "/purposes/0/restriction_ground", "not_a_choice"),
    ("    validity_days: null", "    validity_days: 0 # here", "/purposes/0/validity_days", None),
    (
        "    retention_days: 730",
        "    retention_days: null # here",
        "/purposes/0/retention_days",
        None,
    ),
    ("lifetime_s: 60", "lifetime_s: 86401 # here", "/purposes/0/answer_lifetime_s", "out_of_range"),
]


@pytest.mark.parametrize(("old", "new", "pointer", "code"), FAULTS)
def test_a_fault_is_named_by_line_and_key(old, new, pointer, code):
    text = changed(old, new)
    (error,) = [e for e in errors_of(text) if e.pointer == pointer]
    lines = [at for at, line in enumerate(text.splitlines(), 1) if line.endswith("# here")]
    name = next(step for step in reversed(pointer.split("/")) if not step.isdecimal())
    assert code in (None, error.code)
    assert name in error.detail
    for line in lines:
        assert error.detail.startswith(f"line {line}: ")


@pytest.mark.parametrize("name", list(parse(DOCUMENT).document))
def test_each_part_is_needed(name):
    document = parse(DOCUMENT).document
    del document[name]
    assert (f"/{name}", "required") in [
        (e.pointer, e.code) for e in errors_of(json.dumps(document))
    ]


@pytest.mark.parametrize("name", list(parse(DOCUMENT).document["purposes"][0]))
def test_each_key_of_a_purpose_is_needed(name):
    document = parse(DOCUMENT).document
    del document["purposes"][0][name]
    found = [(e.pointer, e.code) for e in errors_of(json.dumps(document))]
    assert (f"/purposes/0/{name}", "required") in found


@pytest.mark.parametrize("name", list(parse(DOCUMENT).document))
@pytest.mark.parametrize("value", [None, 7, "x", [7], [[]], {"x": 7}, [{"key": ["x"]}]])
def test_nonsense_in_any_part_is_a_fault_and_no_failure(name, value):
    document = parse(DOCUMENT).document | {name: value}
    assert errors_of(json.dumps(document))


def test_all_faults_are_named_at_once_in_order_of_lines():
    text = changed("  name: Example", "  name: 7")
    text = changed("[email, sms]", "[email, fax]", text)
    text = changed("retention_days: 730", "retention_days: -1", text)
    text = changed("notice: newsletter\n", "notice: other\n", text)
    assert [error.pointer for error in errors_of(text)] == [
        "/controller/name",
        "/purposes/0/notice",
        "/purposes/0/channels/1",
        "/purposes/0/retention_days",
    ]


def test_values_are_not_repeated():
    text = changed("    country: NO", "    country: canary_value")
    text = changed("notice: newsletter\n", "notice: canary_value\n", text)
    text = changed("    party: first", "    party: canary_value", text)
    assert len(errors_of(text)) == 3
    assert "canary" not in repr(errors_of(text))


def test_contrast_is_that_of_wcag():
    assert contrast("#000000", WHITE) == pytest.approx(21)
    assert contrast("#ffffff", WHITE) == pytest.approx(1)
    assert contrast("#767676", WHITE) == pytest.approx(4.54, abs=0.005)
    assert contrast(WHITE, "#777777") == pytest.approx(4.48, abs=0.005)


def history_errors(old, new):
    source = parse(new)
    with pytest.raises(Invalid) as caught:
        check_history(built(old), build(source.document, 2, NOW), source)
    return [(e.pointer, e.code, e.detail.split(":")[0]) for e in caught.value.errors]


@pytest.mark.parametrize(
    ("old", "new", "pointer"),
    [
        ("ru: Мы пишем.}", "ru: Мы звоним.}", "/notices/0/text/ru"),
        ("    change: minor", "    change: material", "/notices/1/change"),
        ("2026-06-01T02", "2026-06-01T03", "/notices/1/in_use_from"),
    ],
)
def test_a_recorded_notice_may_not_change(old, new, pointer):
    line = DOCUMENT[: DOCUMENT.index(old)].count("\n") + 1
    expected = [(pointer, "notice_changed", f"line {line}")]
    assert history_errors(DOCUMENT, changed(old, new)) == expected


def test_a_recorded_notice_may_not_vanish():
    document = parse(DOCUMENT).document
    del document["notices"][0]
    found = history_errors(DOCUMENT, json.dumps(document))
    assert found == [("/notices", "notice_removed", "line 1")]


def test_what_was_shown_stays_when_languages_come_and_go():
    more = parse(DOCUMENT).document
    for entry in more["notices"]:
        entry["text"]["fr"] = "Nous écrivons."
    source = parse(json.dumps(more))
    check_history(built(DOCUMENT), build(source.document, 2, NOW), source)
    fewer = history_errors(json.dumps(more), DOCUMENT)
    assert [(pointer, code) for pointer, code, _ in fewer] == [
        ("/notices/0/text/fr", "notice_changed"),
        ("/notices/1/text/fr", "notice_changed"),
    ]


def test_the_same_instant_written_otherwise_is_no_change_of_a_notice():
    text = changed("2026-06-01T02:00:00+02:00", "2026-06-01T00:00:00Z")
    source = parse(text)
    check_history(built(DOCUMENT), build(source.document, 2, NOW), source)


def test_a_new_version_and_a_dropped_purpose_keep_history():
    document = parse(DOCUMENT).document
    document["notices"].append(
        document["notices"][0] | {"version": "3", "in_use_from": "2027-01-01T00:00:00Z"}
    )
    document["purposes"] = []
    source = parse(json.dumps(document))
    check_history(built(DOCUMENT), build(source.document, 2, NOW), source)


def difference(change):
    old = parse(DOCUMENT).document
    new = parse(DOCUMENT).document
    change(new)
    return [(found.pointer, found.change) for found in differences(old, new)]


def test_differences_are_told_by_place():
    assert difference(lambda new: None) == []
    assert difference(lambda new: new["controller"].update(name="Other")) == [
        ("/controller/name", DifferenceKind.CHANGED)
    ]
    assert difference(lambda new: new["jurisdictions"].update(FR={})) == [
        ("/jurisdictions/FR", DifferenceKind.ADDED)
    ]
    assert difference(lambda new: new["purposes"].clear()) == [
        ("/purposes/0", DifferenceKind.REMOVED)
    ]
    assert difference(lambda new: new["purposes"][0]["channels"].append("post")) == [
        ("/purposes/0/channels", DifferenceKind.CHANGED)
    ]
    assert difference(lambda new: new["purposes"][0]["regime"]["by"].clear()) == [
        ("/purposes/0/regime/by", DifferenceKind.CHANGED)
    ]


def test_an_entry_put_in_front_changes_no_other():
    def change(new):
        new["notices"].insert(0, new["notices"][0] | {"key": "other"})
        new["notices"][2]["change"] = "material"

    assert difference(change) == [
        ("/notices/0", DifferenceKind.ADDED),
        ("/notices/2/change", DifferenceKind.CHANGED),
    ]


def test_another_order_is_a_difference():
    assert difference(lambda new: new["notices"].reverse()) == [
        ("/notices", DifferenceKind.CHANGED)
    ]
