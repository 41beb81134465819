"""Lines that are read together name whom each of them names."""

import io
import json

from hypothesis import given, settings
from hypothesis import strategies as st

from consent_service.kernel.ids import CustomerId, customer_id_text, new_uuid
from consent_service.screenings.forms import LONGEST_ROW, Csv, Ndjson
from consent_service.screenings.model import Column, Unusable

IDS = [customer_id_text(CustomerId(new_uuid())) for _ in range(3)]
SHA = "ab" * 32
PLAIN = [
    *(json.dumps({"customer_id": one}) for one in IDS),
    json.dumps({"customer_id": IDS[0], "note": "x"}),
]
STRINGS = [json.dumps(one) for one in IDS]
HASHES = [json.dumps({"email_sha256": SHA}), json.dumps({"email_sha256": SHA.upper()})]
SPACED = [f'{{ "customer_id" : "{one}"}}' for one in IDS]
ODD = [
    json.dumps({"email_sha256": "a" * 63}), json.dumps({"email_sha256": "a" * 65}), SPACED[0],
    "", "  ", "{", "}", '"', "[]", "null", "1", '{"customer_id":', f'"{IDS[0]}"}}',
    f'{PLAIN[0]} {PLAIN[1]}', f"{STRINGS[0]} {STRINGS[1]}", '{"customer_id": null}',
    json.dumps({"customer_id": IDS[0], "email": "a@example.org"}), '{"customer_id": "cus_0"}',
    f'{{"customer\\u005fid": "{IDS[0]}"}}', json.dumps({"email_sha256": " " * 64}),
    json.dumps({"customer_id": IDS[1], "nested": {"email": 1}}), '{"email": "a@example.org"}',
    json.dumps({"customer_id": IDS[1], "n": [{"a": 1}, {"b": 2}]}), f" {PLAIN[0]}", f"{PLAIN[0]} ",
    "too long",
]  # fmt: skip
LONG = json.dumps({"customer_id": IDS[0], "note": "x" * LONGEST_ROW})
ALIKE = st.sampled_from([PLAIN[:3], PLAIN, STRINGS, HASHES, SPACED]).flatmap(
    lambda lines: st.lists(st.sampled_from(lines), max_size=40)
)
ANY = st.lists(st.sampled_from([*PLAIN, *STRINGS, *HASHES, *ODD]), max_size=12)


def named(form):
    found, unusable, counts = [], [], []
    for portion in form.portions():
        found += [portion.crowd.subject(at) for at in range(len(portion.crowd))]
        unusable += portion.unusable
        counts.append(len(portion.crowd))
    for count in counts:
        form.keep(bytes((1,)) * count)
    return found, unusable


def form_of(form, body, sink, column=None):
    return form(io.BytesIO(body), io.BytesIO(body), sink, column)


@given(
    ALIKE | ANY, st.sampled_from(["\n", "\r\n"]), st.booleans(), st.sampled_from([None, *Column])
)
@settings(max_examples=400)
def test_lines_read_together_are_read_as_each_is(lines, end, ended, column):
    lines = [LONG if line == "too long" else line for line in lines]
    body = end.join(lines).encode() + (end.encode() if ended and lines else b"")
    sink = io.BytesIO()
    found, unusable = named(form_of(Ndjson, body, sink, column))
    one = form_of(Ndjson, b"", io.BytesIO(), column)
    rows = [line for line in body.splitlines(keepends=True) if line.strip()]
    wanted = [one._named(row) for row in rows]
    assert found == [None if isinstance(each, Unusable) else each for each in wanted]
    assert unusable == [each for each in wanted if isinstance(each, Unusable)]
    if all(len(row) <= LONGEST_ROW for row in rows):
        assert sink.getvalue().removesuffix(b"\n") == b"".join(rows).removesuffix(b"\n")


def test_a_line_that_is_too_long_is_seen_however_it_lies():
    for before in ([], PLAIN, PLAIN * 300):
        body = "\n".join([*before, LONG, *PLAIN]).encode()
        found, unusable = named(form_of(Ndjson, body, io.BytesIO()))
        assert unusable == [Unusable.TOO_LONG]
        assert found.index(None) == len(before)
        assert len(found) == len(before) + 1 + len(PLAIN)


def test_blocks_end_where_lines_do():
    rows = [json.dumps({"customer_id": IDS[n % 3], "n": n}).encode() + b"\n" for n in range(9_000)]
    sink = io.BytesIO()
    found, unusable = named(form_of(Ndjson, b"".join(rows), sink))
    assert [customer_id_text(one) for one in found] == [IDS[n % 3] for n in range(9_000)]
    assert (unusable, sink.getvalue()) == ([], b"".join(rows))


def test_rows_of_a_csv_are_read_together_as_each_is():
    rows = [f"{IDS[n % 3]},{n}\n".encode() for n in range(25_000)]
    rows[20_005] = b"cus_x,1\n"
    found, unusable = named(form_of(Csv, b"customer_id,n\n" + b"".join(rows), io.BytesIO()))
    assert [one and customer_id_text(one) for one in found] == [
        None if n == 20_005 else IDS[n % 3] for n in range(25_000)
    ]
    assert unusable == [Unusable.NOT_USABLE]
