import io
import tracemalloc
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from consent_service import openapi
from consent_service.catalogue.document import build, parse
from consent_service.catalogue.model import Channel
from consent_service.consents.model import EventKind
from consent_service.imports.mailchimp import Limits, open_export
from consent_service.imports.mapping import read_row
from consent_service.imports.model import (
    ImportOptions,
    ListKind,
    Refusal,
    Row,
    Said,
    Terms,
    check_options,
)
from consent_service.imports.planning import Known, plan_batch
from consent_service.kernel.errors import Invalid
from consent_service.suppressions.model import Reason

NOW = datetime(2026, 11, 22, 3, tzinfo=UTC)
SAMPLE = Path(openapi.__file__).parent / "catalogue/sample/catalogue.yaml"
CATALOGUE = build(parse(SAMPLE.read_bytes()).document, 1, NOW)
HEADER = "Email Address,CONFIRM_TIME,OPTIN_TIME,LAST_CHANGED"
YES = {"Email Address": "ann@example.org", "CONFIRM_TIME": "2024-01-02 03:04:05"}
NO = {"Email Address": "ann@example.org", "UNSUB_TIME": "2024-01-02 03:04:05"}


def terms(purpose="marketing.newsletter", channel=Channel.EMAIL, **more):
    options = ImportOptions(purpose, channel, "import", **more)
    return Terms(options, CATALOGUE, check_options(options, CATALOGUE), NOW)


def read(kind, cells, with_terms=None):
    return read_row(Row("list.csv", 7, ListKind(kind), cells), with_terms or terms())


@pytest.mark.parametrize(
    ("cells", "year", "column"),
    [
        ({"CONFIRM_TIME": "2020-01-01 00:00:00", "OPTIN_TIME": "2019-01-01 00:00:00"}, 2020, 0),
        ({"OPTIN_TIME": "2019-01-01 00:00:00", "LAST_CHANGED": "2021-01-01 00:00:00"}, 2019, 1),
        ({"LAST_CHANGED": "2021-01-01 00:00:00"}, 2021, 2),
    ],
)
def test_a_yes_counts_from_its_confirmation_else_its_opt_in_else_its_last_change(
    cells, year, column
):
    event = read("subscribed", {"Email Address": "ann@example.org", **cells}).event
    assert event.captured_at == datetime(year, 1, 1, tzinfo=UTC)
    columns = ("CONFIRM_TIME", "OPTIN_TIME", "LAST_CHANGED")
    assert event.evidence["time_from"] == columns[column]


def test_a_yes_is_under_the_notice_in_use_then_in_a_language_not_known():
    event = read("subscribed", YES).event
    assert (event.kind, event.notice_version, event.language) == (
        EventKind.GIVEN,
        "legacy",
        "und",
    )
    assert event.imported
    later = read("subscribed", {**YES, "CONFIRM_TIME": "2026-11-01 00:00:00"}).event
    assert later.notice_version == "2026-10"


def test_addresses_of_machines_are_evidence_and_nothing_else_is_kept():
    said = read(
        "subscribed",
        {**YES, "OPTIN_IP": "192.0.2.1", "CONFIRM_IP": "2001:db8::1", "NOTES": "=1+1"},
    )
    assert said.event.evidence == {
        "system": "mailchimp",
        "file": "list.csv",
        "line": 7,
        "time_from": "CONFIRM_TIME",
        "confirm_time": "2024-01-02 03:04:05",
        "optin_ip": "192.0.2.1",
        "confirm_ip": "2001:db8::1",
    }
    assert said.profile == {}


@pytest.mark.parametrize(
    ("cells", "refusal"),
    [
        (None, Refusal.COLUMNS_DO_NOT_MATCH),
        ({"CONFIRM_TIME": "2024-01-02 03:04:05"}, Refusal.NO_USABLE_ADDRESS),
        ({**YES, "Email Address": "not-an-address"}, Refusal.NO_USABLE_ADDRESS),
        ({"Email Address": "ann@example.org"}, Refusal.TIME_MISSING),
        ({**YES, "CONFIRM_TIME": "02/01/2024"}, Refusal.TIME_UNREADABLE),
        ({**YES, "CONFIRM_TIME": "0000-00-00 00:00:00"}, Refusal.TIME_UNREADABLE),
        ({**YES, "CONFIRM_TIME": "2024-01-02 03:04+01"}, Refusal.TIME_UNREADABLE),
        ({**YES, "CONFIRM_TIME": "2024-13-02 03:04:05"}, Refusal.TIME_UNREADABLE),
        ({**YES, "CONFIRM_TIME": "2026-11-22 03:06:00"}, Refusal.IN_THE_FUTURE),
        ({**YES, "CONFIRM_TIME": "1999-01-02 03:04:05"}, Refusal.NOTICE_NOT_IN_USE),
    ],
)
def test_what_cannot_be_meant_is_refused(cells, refusal):
    assert read("subscribed", cells) is refusal


def test_five_minutes_ahead_are_forgiven():
    said = read("subscribed", {**YES, "CONFIRM_TIME": "2026-11-22 03:05:00"})
    assert isinstance(said, Said)


def test_a_named_notice_version_must_have_been_in_use():
    named = terms(notice_version="2026-10")
    assert read("subscribed", YES, named) is Refusal.NOTICE_NOT_IN_USE


@pytest.mark.parametrize(("time", "confirmed"), [("CONFIRM_TIME", True), ("OPTIN_TIME", False)])
def test_only_a_confirmation_confirms(time, confirmed):
    cells = {"Email Address": "ann@example.org", time: "2024-01-02 03:04:05"}
    double = terms("marketing.sms_offers", Channel.SMS)
    event = read("subscribed", cells, double).event
    assert event.confirmed is confirmed
    plan = plan_batch([read("subscribed", cells, double)], Known(), double.purpose, NOW)
    kind = EventKind.GIVEN if confirmed else EventKind.REQUESTED
    assert [recorded for *_, recorded in plan.events] == [kind]


@pytest.mark.parametrize(
    ("why", "mark"),
    [
        ("ABUSE", Reason.COMPLAINED),
        ("spam", Reason.COMPLAINED),
        ("NORMAL: I never signed up for this mailing list", None),
        ("(blank)", None),
    ],
)
def test_a_complaint_is_exactly_that(why, mark):
    said = read("unsubscribed", {**NO, "UNSUB_REASON": why})
    assert said.event.kind is EventKind.WITHDRAWN
    assert (said.mark and said.mark[0]) is mark
    assert ("unsub_reason" in said.event.evidence) is (why != "(blank)")


def test_a_no_dated_ahead_keeps_its_time_and_one_without_takes_the_last_change():
    ahead = read("unsubscribed", {**NO, "UNSUB_TIME": "2029-05-30 00:44:32"})
    assert ahead.event.captured_at.year == 2029
    undated = {"Email Address": "ann@example.org", "LAST_CHANGED": "2021-01-01 00:00:00"}
    assert read("unsubscribed", undated).event.evidence["time_from"] == "LAST_CHANGED"


def test_a_cleaned_address_says_nothing_of_consent():
    said = read("cleaned", {"Email Address": "a@example.org", "CLEAN_TIME": "2024-01-02 03:04:05"})
    assert said.event is None
    assert said.mark[:2] == (Reason.UNDELIVERABLE, Channel.EMAIL)


@pytest.mark.parametrize(
    ("cells", "jurisdiction"),
    [
        ({"CC": "US", "REGION": "CA"}, "US-CA"),
        ({"CC": "us", "REGION": "NY"}, "US"),
        ({"CC": "AT"}, "AT"),
        ({"CC": "ZZ"}, None),
        ({"CC": "DEU"}, None),
        ({}, None),
    ],
)
def test_the_region_counts_where_the_catalogue_declares_it(cells, jurisdiction):
    assert read("subscribed", {**YES, **cells}).jurisdiction == jurisdiction


@pytest.mark.parametrize(
    ("given", "country", "phone"),
    [
        ("0301 234567", "DE", "+49301234567"),
        ("+44 151 496 0389", None, "+441514960389"),
        ("0301 234567", None, None),
        ("704-255-3230x14606", "US", None),
    ],
)
def test_a_phone_is_read_with_its_country_or_left_out(given, country, phone):
    cells = {**YES, "Phone Number": given} | ({} if country is None else {"CC": country})
    said = read("subscribed", cells)
    assert (said.phone and said.phone.value) == phone
    assert said.phone_unreadable is (phone is None)


@pytest.mark.parametrize(
    ("birthday", "kept"), [("07/08", True), ("13/01", False), ("1990-07-08", False)]
)
def test_a_birthday_is_month_and_day(birthday, kept):
    assert ("birthday" in read("subscribed", {**YES, "Birthday": birthday}).profile) is kept


def test_a_phone_goes_to_the_first_who_has_it_and_rows_of_one_person_are_one():
    phone = {"Phone Number": "+441514960389"}
    batch = [
        read("subscribed", {**YES, **phone}),
        read("subscribed", {**YES, **phone, "Email Address": "bob@example.org"}),
        read("subscribed", {**YES, "Email Address": "ANN@EXAMPLE.ORG", "First Name": "Ann"}),
        read("subscribed", {**YES, **phone, "First Name": "Anna"}),
    ]
    plan = plan_batch(batch, Known(), terms().purpose, NOW)
    ann, bob = (addition.as_new() for addition in plan.created.values())
    assert [len(new.identifiers) for new in (ann, bob)] == [2, 1]
    assert ann.profile["first_name"].value == "Ann"
    assert (plan.phones_of_another, plan.unchanged, len(plan.events)) == (1, 1, 2)


def test_what_is_known_is_not_planned_again():
    known, said = Known(), [read("unsubscribed", {**NO, "UNSUB_REASON": "ABUSE"})]
    first = plan_batch(said, known, terms().purpose, NOW)
    assert (len(first.created), len(first.events), len(first.marks)) == (1, 1, 1)
    second = plan_batch(said, known, terms().purpose, NOW)
    assert (second.created, second.completed, second.events, second.marks) == ({}, {}, [], [])
    assert second.unchanged == 1


@pytest.mark.parametrize(
    ("named", "tells"),
    [
        ({"purpose": "no.such"}, "marketing.newsletter"),
        ({"channel": Channel.SMS}, "email"),
        ({"touchpoint": "nowhere"}, "call_centre"),
        ({"source": "nowhere"}, "list_import"),
        ({"notice_version": "nowhere"}, "legacy"),
    ],
)
def test_an_option_the_catalogue_does_not_know_is_told_with_what_there_is(named, tells):
    options = {"purpose": "marketing.newsletter", "channel": Channel.EMAIL, "touchpoint": "import"}
    with pytest.raises(Invalid, match=tells):
        check_options(ImportOptions(**{**options, **named}), CATALOGUE)


def written(tmp_path, *entries, name="export.zip"):
    path = tmp_path / name
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for entry, content in entries:
            archive.writestr(entry, content)
    return path


def rows(path, *limits):
    with open_export(path, *limits) as export:
        return list(export.rows())


def test_a_row_is_named_by_the_line_on_which_it_starts(tmp_path):
    content = f'\ufeff{HEADER},NOTES\r\na@b.c,,,,"two\nlines"\r\n\r\nd@e.f,,,,\r\ng@h.i,,\r\n'
    found = rows(written(tmp_path, ("a/b/subscribed_x.csv", content)))
    assert [row.line for row in found] == [2, 5, 6]
    assert found[0].cells == {"Email Address": "a@b.c"}
    assert found[2].cells is None


def test_one_list_may_come_alone(tmp_path):
    path = tmp_path / "Unsubscribed_members.csv"
    path.write_text("Email Address,UNSUB_TIME,LAST_CHANGED\na@b.c,x,y\n", encoding="utf-8")
    assert [row.kind for row in rows(path)] == [ListKind.UNSUBSCRIBED]


def test_lists_come_in_one_order_whatever_the_archives(tmp_path):
    no = "Email Address,UNSUB_TIME,LAST_CHANGED\nb@b.c,,\n"
    lists = [("unsubscribed_x.csv", no), ("subscribed_x.csv", HEADER + "\na@b.c,,,\n")]
    for order in (lists, lists[::-1]):
        found = rows(written(tmp_path, *order))
        assert [row.kind.value for row in found] == ["subscribed", "unsubscribed"]


@pytest.mark.parametrize(
    ("content", "tells"),
    [
        ("Email Address,OPTIN_TIME\n", "lacks the columns CONFIRM_TIME, LAST_CHANGED"),
        ("", "lacks the columns"),
        (HEADER.encode() + b"\n\xff\xfe,,,\n", "not UTF-8"),
        (HEADER + "\n" + "x" * 200_000 + ",,,\n", "not CSV"),
        (HEADER + "\n" + "x" * 2_000_000 + "\n", "too long a row"),
        (HEADER + '\n"' + "x\n" * 60_000 + '","' * 600_000, "too long a row|not CSV"),
    ],
    ids=["columns", "empty", "encoding", "cell", "line", "quoted"],
)
def test_a_list_that_is_none_is_told_by_its_name(tmp_path, content, tells):
    path = written(tmp_path, ("subscribed_x.csv", content))
    with pytest.raises(Invalid, match=tells) as refused:
        rows(path)
    assert refused.value.text.startswith("subscribed_x.csv: ")


def test_a_bomb_is_refused_by_what_comes_out_of_it(tmp_path):
    path = written(tmp_path, ("subscribed_x.csv", HEADER + "\n" + "\n" * 30_000_000))
    assert path.stat().st_size < 100_000
    tracemalloc.start()
    with pytest.raises(Invalid, match="decompresses to more"):
        rows(path, Limits(total_bytes=1 << 20))
    assert tracemalloc.get_traced_memory()[1] < 8 << 20
    tracemalloc.stop()


def test_sizes_are_counted_over_all_lists(tmp_path):
    one = HEADER + "\n" + "a@b.c,,,\n" * 100
    lists = [(f"subscribed_{n}.csv", one) for n in range(5)]
    assert len(rows(written(tmp_path, *lists), Limits(total_bytes=5 * len(one)))) == 500
    with pytest.raises(Invalid, match="decompresses to more"):
        rows(written(tmp_path, *lists), Limits(total_bytes=5 * len(one) - 1))


def test_a_header_that_lies_about_a_size_is_not_believed(tmp_path):
    path = written(tmp_path, ("subscribed_x.csv", HEADER + "\n" + "\n" * 3_000_000))
    content = path.read_bytes()
    size = len(HEADER) + 1 + 3_000_000
    path.write_bytes(content.replace(size.to_bytes(4, "little"), (10).to_bytes(4, "little")))
    with pytest.raises(Invalid):
        rows(path)


def test_an_archive_of_too_many_entries_is_refused(tmp_path):
    many = [(f"{n}.txt", "") for n in range(1_001)]
    with pytest.raises(Invalid, match="too many entries"):
        rows(written(tmp_path, *many, ("subscribed_x.csv", HEADER)))


def test_a_directory_of_an_archive_is_not_read_whole(tmp_path):
    path = written(tmp_path, *((f"{n:0200d}.txt", "") for n in range(2_000)))
    tracemalloc.start()
    with pytest.raises(Invalid, match="too many entries"):
        rows(path, Limits(directory_bytes=1 << 16))
    assert tracemalloc.get_traced_memory()[1] < 1 << 20
    tracemalloc.stop()


def test_an_entry_that_is_damaged_is_told(tmp_path):
    path = tmp_path / "export.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("subscribed_x.csv", HEADER + "\na@b.c,,,\n")
    path.write_bytes(path.read_bytes().replace(b"a@b.c", b"x@b.c", 1))
    with pytest.raises(Invalid, match="damaged"):
        rows(path)


def test_names_in_an_archive_are_shown_without_what_a_terminal_would_obey(tmp_path):
    path = written(tmp_path, ("../../etc/subscribed_\x1b[2J.csv", "Email Address\n"))
    with pytest.raises(Invalid) as refused:
        rows(path)
    assert refused.value.text.startswith("subscribed_?[2J.csv: lacks")


@pytest.mark.parametrize("content", [b"", b"PK", b"not a zip" * 50])
def test_what_is_no_archive_is_refused(tmp_path, content):
    path = tmp_path / "export.zip"
    path.write_bytes(content)
    with pytest.raises(Invalid, match="neither a ZIP archive"):
        rows(path)


def test_an_archive_without_lists_is_refused(tmp_path):
    entries = [("__MACOSX/._subscribed_x.csv", "x"), ("tags.csv", "x"), ("subscribed_d.csv/", "")]
    with pytest.raises(Invalid, match="none of the lists"):
        rows(written(tmp_path, *entries))


def test_nothing_of_a_row_shows_when_it_is_printed():
    row = Row("list.csv", 7, ListKind.SUBSCRIBED, YES)
    said = read_row(row, terms())
    assert "ann" not in io.StringIO(f"{row!r} {said!r}").getvalue()
