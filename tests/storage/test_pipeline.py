"""Short statements of several threads over one connection to PostgreSQL, in one transaction."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from sqlalchemy import (
    BigInteger,
    Column,
    Integer,
    MetaData,
    Table,
    Text,
    bindparam,
    func,
    insert,
    select,
    text,
)

from consent_service.kernel.errors import Unavailable
from consent_service.storage import direct as doors
from consent_service.storage import groups, pipeline
from consent_service.storage.db import db
from consent_service.storage.direct import Refused, direct
from consent_service.storage.prepared import Along, Prepared
from consent_service.storage.unit_of_work import unit_of_work
from tests.support.processes import within

pytestmark = [
    pytest.mark.parametrize("store", ["postgresql"], indirect=True),
    pytest.mark.usefixtures("words"),
]

WORDS = Table("words", MetaData(), Column("word", Text, primary_key=True), Column("at", BigInteger))
_WHO = func.pg_backend_pid().label("who")
ADD = Prepared(insert(WORDS).returning(_WHO, func.txid_current()), Along.WRITING)
HOLD = {
    along: Prepared(select(func.pg_sleep(bindparam("seconds", type_=Integer()))), along)
    for along in Along
}
WHO = Prepared(select(_WHO), Along.READING)
HALF = Prepared(select(10 // bindparam("by", type_=Integer())), Along.READING)
NOWHERE = Prepared(select(Column("word", Text)).select_from(text("nowhere")), Along.READING)
ECHO = Prepared(select(bindparam("long", type_=Text())), Along.READING)
END = Prepared(
    select(func.pg_terminate_backend(bindparam("pid", type_=Integer())), func.pg_sleep(5)),
    Along.WRITING,
)
ALL = Prepared(select(text("words.*")).select_from(WORDS), Along.READING)


@pytest.fixture
def app(app):
    with app.app_context():
        yield app
        db.engine.dispose()


@pytest.fixture
def words(app):
    with unit_of_work() as tx:
        WORDS.create(tx)


def ask(statement, **values):
    with direct() as door:
        return door.rows(statement, **values)


def add(word, at=0):
    return tuple(ask(ADD, word=word, at=at)[0])


def said():
    with unit_of_work() as tx:
        return {word for (word,) in tx.execute(select(WORDS.c.word))}


def group_of(along):
    return doors._doors[db.engine]._pipelines[along]._group


@pytest.fixture
def while_one_is_out(app):
    """`while_one_is_out(along, *works)`: what came of each, called by a thread of its own, when all
    of them waited while somebody else's statement was carried out."""

    def within_app(work):
        with app.app_context():
            return work()

    def run(along, *works):
        with ThreadPoolExecutor(len(works) + 1) as pool:
            first = pool.submit(within_app, lambda: ask(HOLD[along], seconds=1))
            within(5, lambda: doors._doors.get(db.engine) and group_of(along)._is_led)
            within(5, lambda: not group_of(along)._waiting)
            asked = []
            for number, work in enumerate(works, 1):
                asked.append(pool.submit(within_app, work))
                within(5, lambda so_many=number: len(group_of(along)._waiting) == so_many)
            first.exception()
            return [each.exception() or each.result() for each in asked]

    return run


def test_those_who_wait_write_in_one_transaction(while_one_is_out):
    found = while_one_is_out(Along.WRITING, *(lambda at=at: add(f"word {at}") for at in range(5)))
    assert len(set(found)) == 1
    assert said() == {f"word {at}" for at in range(5)}
    assert add("later") != found[0]


def test_all_go_over_one_connection(while_one_is_out):
    found = while_one_is_out(Along.READING, *[lambda: ask(WHO)] * 5)
    assert found == [ask(WHO)] * 5


def test_who_reads_waits_for_nobody_who_writes(app):
    with ThreadPoolExecutor(1) as pool:

        def hold():
            with app.app_context():
                ask(HOLD[Along.WRITING], seconds=1)

        held = pool.submit(hold)
        within(5, lambda: doors._doors.get(db.engine) and group_of(Along.WRITING)._is_led)
        assert ask(WHO)
        assert not held.done()


def test_no_more_than_so_many_at_once(while_one_is_out, monkeypatch):
    monkeypatch.setattr(groups, "_MOST", 3)
    found = while_one_is_out(Along.WRITING, *(lambda at=at: add(f"word {at}") for at in range(6)))
    assert [len(set(found[:3])), len(set(found[3:])), len(set(found))] == [1, 1, 2]


def test_what_is_wrong_with_one_is_no_fault_of_the_others(while_one_is_out):
    """Each is carried out by itself then, and of what failed nothing is left."""
    add("there")
    found = while_one_is_out(
        Along.WRITING,
        lambda: add("before"),
        lambda: add("there"),
        lambda: add("after"),
        lambda: add("huge", 1 << 64),
    )
    assert [type(each) for each in found] == [tuple, Refused, tuple, Refused]
    assert found[0] != found[2]
    assert said() == {"there", "before", "after"}


def test_nor_is_a_question_that_the_store_does_not_understand(while_one_is_out):
    found = while_one_is_out(
        Along.READING,
        lambda: ask(HALF, by=5),
        lambda: ask(NOWHERE),
        lambda: ask(HALF, by=0),
        lambda: ask(HALF, by=2),
    )
    assert [found[0], found[3]] == [[[2]], [[5]]]
    assert [type(each) for each in found[1:3]] == [Refused, Refused]
    with pytest.raises(Refused):
        ask(NOWHERE)
    assert ask(HALF, by=1) == [[10]]


@pytest.fixture
def say(app):
    """`say(statement)`: of the test's own database, over another connection."""

    def run(statement):
        with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            name = connection.scalar(text("SELECT quote_ident(current_database())"))
            connection.exec_driver_sql(statement.format(name))

    return run


@pytest.fixture
def sent(monkeypatch):
    """How many statements went together, each time that any did."""
    together, counts = pipeline._Link._together, []

    def count(link, statements):
        counts.append(len(statements))
        return together(link, statements)

    monkeypatch.setattr(pipeline._Link, "_together", count)
    return counts


def test_what_the_store_cannot_do_now_is_not_tried_for_one_after_another(
    say, sent, while_one_is_out
):
    """Each by itself would wait for the same lock as long as all of them did."""
    say("ALTER DATABASE {} SET lock_timeout = '300ms'")
    db.engine.dispose()
    add("before")
    with unit_of_work() as tx:
        tx.execute(text("LOCK TABLE words IN ACCESS EXCLUSIVE MODE"))
        sent.clear()
        works = [lambda at=at: add(f"word {at}") for at in range(4)]
        found = while_one_is_out(Along.WRITING, *works)
        unprepared = while_one_is_out(Along.READING, *[lambda: ask(ALL)] * 4)
    assert [type(each) for each in found] == [Unavailable] * 4
    assert sent == [1, 4, 1]
    assert {type(each) for each in unprepared} == {Unavailable}
    add("after")
    assert said() == {"before", "after"}


@pytest.mark.parametrize("forget", ["DEALLOCATE ALL", "SET default_transaction_read_only = on"])
def test_a_connection_that_is_not_as_it_was_made_is_left(forget):
    first = add("before")
    ask_nothing = Prepared(text(forget), Along.WRITING)
    with suppress(Exception):  # it has no rows
        ask(ask_nothing)
    with pytest.raises(Unavailable):
        add("lost")
    assert add("after")[0] != first[0]
    assert said() == {"before", "after"}


def test_long_values_go_both_ways_at_once(while_one_is_out):
    """More than the buffers between us and the store hold, of which neither end waits for ever."""
    long = [letter * 3_000_000 for letter in "abcdefgh"]
    asked = [lambda each=each: ask(ECHO, long=each) for each in long]
    assert while_one_is_out(Along.READING, *asked) == [[[each]] for each in long]


def test_whoever_is_out_when_the_store_hangs_up_is_unavailable(while_one_is_out):
    """Nobody is told that it was done, and nothing of it is."""
    who, _ = add("before")
    found = while_one_is_out(
        Along.WRITING, lambda: add("first"), lambda: ask(END, pid=who), lambda: add("last")
    )
    assert [type(found[0]), type(found[2])] == [Unavailable, Unavailable]
    assert said() == {"before"}
    add("after")
    assert said() == {"before", "after"}


def test_what_lay_idle_is_asked_whether_it_is_there(monkeypatch):
    first = ask(WHO)
    monkeypatch.setattr(pipeline, "IDLE_S", 0.0)
    assert ask(WHO) == first
    with unit_of_work() as tx:
        tx.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": first[0][0]})
    assert ask(WHO) != first


def test_what_was_prepared_before_a_migration_is_unavailable_once():
    add("there", 1)
    assert ask(ALL) == [["there", 1]]
    with unit_of_work() as tx:
        tx.execute(text("ALTER TABLE words ADD COLUMN more text DEFAULT 'more'"))
    with pytest.raises(Unavailable):
        ask(ALL)
    assert ask(ALL) == [["there", 1, "more"]]


def test_who_waits_too_long_is_told_so_and_leaves_nothing(while_one_is_out, monkeypatch):
    monkeypatch.setattr(groups, "WAIT_S", 0.3)
    found = while_one_is_out(Along.WRITING, lambda: add("late"), lambda: add("later"))
    assert [type(each) for each in found] == [Unavailable, Unavailable]
    assert said() == set()
    add("now")
    assert said() == {"now"}


def test_a_store_that_says_nothing_more_is_left(monkeypatch):
    who = ask(WHO)
    monkeypatch.setattr(pipeline, "LOST_AFTER_S", 0.2)
    began = time.monotonic()
    with pytest.raises(Unavailable):
        ask(HOLD[Along.READING], seconds=5)
    assert time.monotonic() - began < 3
    assert ask(WHO) != who


def test_one_who_is_stopped_leading_leaves_nobody_waiting(while_one_is_out, monkeypatch):
    """And no connection in the middle of something."""
    carry_out, stopped = pipeline._Link.carry_out, []

    def once(link, statements):
        if len(statements) > 1 and not stopped:
            stopped.append(True)
            link._libpq.send_query_prepared(
                link._names[statements[0].text], statements[0].values, statements[0].formats, 1
            )
            raise KeyboardInterrupt
        carry_out(link, statements)

    add("before")
    monkeypatch.setattr(pipeline._Link, "carry_out", once)
    found = while_one_is_out(Along.WRITING, *(lambda at=at: add(f"word {at}") for at in range(3)))
    assert [type(each) for each in found] == [KeyboardInterrupt, Unavailable, Unavailable]
    assert said() == {"before"}
    add("after")
    assert said() == {"before", "after"}


HANG_UP = text(
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
    " WHERE query LIKE 'INSERT INTO words%' AND datname = current_database()"
)


def test_many_threads_lose_and_double_nothing_while_the_store_hangs_up_again_and_again(app):
    """Whoever was told that it was done finds it done; of the others it may be."""
    over = threading.Event()

    def hang_up():
        with unit_of_work() as tx:
            return tx.scalar(HANG_UP)

    def write(number):
        told, tried = set(), set()
        with app.app_context():
            while not over.is_set():
                tried.add(word := f"{number} {len(tried)}")
                with suppress(Unavailable):
                    add(word)
                    told.add(word)
                assert ask(HALF, by=2) == [[5]]
        return told, tried

    with ThreadPoolExecutor(8) as pool:
        writing = [pool.submit(write, number) for number in range(8)]
        try:
            for _ in range(10):
                time.sleep(0.05)
                within(5, hang_up)
        finally:
            over.set()
        found = [each.result() for each in writing]
    told = set().union(*(each for each, _ in found))
    tried = set().union(*(each for _, each in found))
    assert told <= said() <= tried
    assert told
    assert told != tried
