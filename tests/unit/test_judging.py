"""What is judged once for many is what would be judged for each."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from consent_service.decisions.judging import Judge
from consent_service.decisions.model import decide
from tests.support import worlds
from tests.support.builders import NOW, ago
from tests.support.worlds import World, case

WORLDS = st.builds(
    World,
    recipient=st.sampled_from(worlds.RECIPIENTS),
    categories=st.sampled_from(worlds.CATEGORIES),
    channel=st.sampled_from(("declared", "undeclared", "omitted of one")),
    suppressed=st.booleans(),
    known=st.booleans(),
    restricted=st.sampled_from(worlds.RESTRICTIONS),
    age=st.sampled_from(worlds.AGES),
    record=st.sampled_from(worlds.RECORDS),
)


@given(st.lists(WORLDS, min_size=1, max_size=12), st.sampled_from(worlds.BASES), st.booleans())
@settings(max_examples=150)
def test_a_judge_says_of_each_what_the_rule_book_says(found, basis, keeps):
    _, _, catalogue = case(replace(found[0], basis=basis))
    purpose = catalogue.purposes["news"]
    if not keeps:
        catalogue.purposes["news"] = replace(purpose, validity_days=None)
    judge = Judge(catalogue, NOW)
    for number, world in enumerate(found):
        question, person, _ = case(replace(world, basis=basis))
        for at in (number, number + 100):
            records = {
                slot: structs.replace(record, revision=at, happened_at=ago(days=at))
                for slot, record in person.records.items()
            }
            one = structs.replace(person, records=records)
            assert judge.verdict_of(question, one) == decide(question, one, catalogue, NOW)
