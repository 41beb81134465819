"""Several threads' writes as one transaction of SQLite, and whose turn it is among processes."""

import signal
import sqlite3
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from consent_service.kernel.errors import Unavailable
from consent_service.storage import groups, turns
from consent_service.storage.turns import Turn
from consent_service.storage.writers import Writers
from tests.support.processes import within

THREADS = 6
ADD = "INSERT INTO words (word, number) VALUES (?, ?)"
RAISE = "UPDATE counts SET count = count + 1 WHERE count = ?"


def soon():
    return time.monotonic() + 5


class Store:
    """A SQLite file, a group that writes to it, and what was sent to it."""

    def __init__(self, directory):
        self.path, self.sent = directory / "store.sqlite3", []
        self.group = Writers(Turn(directory))
        self.elsewhere = Turn(directory)
        with closing(self.connect()) as store:
            store.execute("PRAGMA journal_mode=WAL")
            store.execute("CREATE TABLE words (word TEXT PRIMARY KEY, number INTEGER NOT NULL)")
            store.execute("CREATE TABLE counts (count INTEGER NOT NULL)")
            store.execute("INSERT INTO counts VALUES (0)")

    def connect(self):
        made = sqlite3.connect(
            self.path, isolation_level=None, check_same_thread=False, timeout=0.1
        )
        made.execute("PRAGMA synchronous=FULL")
        return made

    def carry_out(self, *statements):
        with closing(self.connect()) as connection:
            connection.set_trace_callback(self.sent.append)
            return self.group.carry_out(connection, statements)

    def while_they_wait(self, *works):
        """Has each carried out by a thread of its own, in one transaction: all of them wait before
        it is their turn. What came of each."""
        with ThreadPoolExecutor(len(works)) as pool, self.elsewhere.taken(soon()):
            asked = []
            for number, work in enumerate(works, 1):
                asked.append(pool.submit(self.carry_out, *work))
                within(5, lambda so_many=number: len(self.group._group._waiting) == so_many)
        return [each.exception() or each.result() for each in asked]

    def words(self):
        with closing(self.connect()) as connection:
            return {word for (word,) in connection.execute("SELECT word FROM words")}


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path)


class Interrupted(BaseException):
    """What a signal may raise, wherever its thread is."""


def test_who_is_interrupted_while_waiting_leaves_the_others_to_go_on():
    """Whether it still waits, or was just told to lead."""
    for stage in ("waiting", "leading"):
        group, lead, out = groups.Group(), threading.Event(), groups.Work()

        def carry_out(take, lead=lead):
            taken = take()
            lead.wait(5)
            for each in taken:
                each.done = True

        class Fragile(groups.Work):
            __slots__ = ("waits",)

            def wait(self, seconds=-1, stage=stage, lead=lead):
                if stage == "leading":
                    lead.set()
                    within(5, lambda: self.leads)
                raise Interrupted

        with ThreadPoolExecutor(2) as pool:
            first = pool.submit(group.join, out, carry_out)
            within(5, lambda group=group: group._is_led and not group._waiting)
            second = pool.submit(group.join, Fragile(), carry_out)
            assert isinstance(second.exception(5), Interrupted)
            lead.set()
            assert first.exception(5) is None
            later = groups.Work()
            pool.submit(group.join, later, carry_out).result(5)
            assert later.done


def words(count):
    return [[(ADD, (f"word {at}", at))] for at in range(count)]


def begun(store):
    return [each for each in store.sent if each.startswith(("BEGIN", "COMMIT"))]


def test_one_by_itself_is_a_transaction_as_it_stands(store):
    assert store.carry_out((ADD, ("alone", 1))) == 1
    assert store.words() == {"alone"}
    assert begun(store) == []


def test_those_who_wait_are_one_transaction(store):
    assert store.while_they_wait(*words(THREADS)) == [1] * THREADS
    assert store.words() == {f"word {at}" for at in range(THREADS)}
    assert begun(store) == ["BEGIN IMMEDIATE", "COMMIT"]


def test_no_more_than_so_many_at_once(store, monkeypatch):
    monkeypatch.setattr(groups, "_MOST", 4)
    assert store.while_they_wait(*words(THREADS)) == [1] * THREADS
    assert begun(store) == ["BEGIN IMMEDIATE", "COMMIT"] * 2


def test_what_is_wrong_with_one_is_no_fault_of_the_others(store):
    """Of each that fails, nothing is left; all others are there."""
    store.carry_out((ADD, ("there", 0)))
    late = [(RAISE, (0,)), (ADD, ("with it", 1)), (ADD, ("there", 2))]
    found = store.while_they_wait(
        [(ADD, ("before", 1))],
        late,
        [(ADD, ("there", 1))],
        [(ADD, ("huge", 1 << 64))],
        [(ADD, ("no number", None))],
        [(RAISE, (0,)), (ADD, ("after", 1))],
    )
    assert [found[0], found[-1]] == [1, 1]
    assert [type(each) for each in found[1:-1]] == [
        sqlite3.IntegrityError, sqlite3.IntegrityError, OverflowError, sqlite3.IntegrityError,
    ]  # fmt: skip
    assert store.words() == {"there", "before", "after"}


def test_of_two_who_read_the_same_one_is_too_late(store):
    each = [(RAISE, (0,)), (ADD, ("only once", 1))]
    assert store.while_they_wait(each, each) == [1, 0]
    assert store.words() == {"only once"}


def test_of_a_full_disk_everybody_is_told(store):
    """And nobody's is there, also not of those who came before it was full."""
    long = "x" * 5_000
    works = [[(f"{ADD} -- {at}", (f"{at}{long}", at))] for at in range(THREADS)]
    with closing(store.connect()) as full:
        (pages,) = full.execute("PRAGMA page_count").fetchone()
        limit = f"PRAGMA max_page_count = {pages + 4}"
    connect, store.connect = store.connect, lambda: limited(connect(), limit)
    found = store.while_they_wait(*works)
    assert {str(each) for each in found} == {"database or disk is full"}
    store.connect = connect
    assert store.words() == set()
    assert store.while_they_wait(*works) == [1] * THREADS
    assert len(store.words()) == THREADS


def limited(connection, limit):
    connection.execute(limit)
    return connection


def test_another_program_that_writes_is_waited_for_as_sqlite_does(store):
    with closing(store.connect()) as other:
        other.execute("BEGIN IMMEDIATE")
        found = store.while_they_wait(*words(3))
        assert {str(each) for each in found} == {"database is locked"}
        other.execute("COMMIT")
    assert store.words() == set()
    assert store.carry_out((ADD, ("later", 1))) == 1


def test_who_waits_too_long_is_told_so_and_leaves_nothing(store, monkeypatch):
    monkeypatch.setattr(groups, "WAIT_S", 0.2)
    monkeypatch.setattr(turns, "WAIT_S", 0.2)
    began = time.monotonic()
    with ThreadPoolExecutor(THREADS) as pool, store.elsewhere.taken(soon()):
        found = [pool.submit(store.carry_out, *each) for each in words(THREADS)]
        assert {type(each.exception(timeout=5)) for each in found} == {Unavailable}
        assert time.monotonic() - began < 2
    assert store.words() == set()
    assert store.while_they_wait(*words(3)) == [1, 1, 1]


class Stops:
    """A value at which whoever carries it out is stopped."""

    def __conform__(self, _):
        raise KeyboardInterrupt


def test_one_who_is_stopped_leading_leaves_nobody_waiting(store):
    found = store.while_they_wait(*words(1), [(ADD, (Stops(), 1))], *words(1))
    assert [type(each) for each in found] == [KeyboardInterrupt, Unavailable, Unavailable]
    assert store.words() == set()
    assert store.carry_out((ADD, ("later", 1))) == 1


def test_many_threads_of_two_processes_worth_lose_and_double_nothing(store):
    """Each group is as a process is to the other; one write of each is of what is there already."""
    two = [store.group, Writers(store.elsewhere)]

    def write(number):
        told = []
        with closing(store.connect()) as connection:
            for at in range(100):
                word = f"{number} {at}" if at else "the same"
                try:
                    two[number % 2].carry_out(connection, [(ADD, (word, at))])
                    told.append(word)
                except sqlite3.IntegrityError:
                    assert not at
        return told

    with ThreadPoolExecutor(8) as pool:
        told = [word for each in pool.map(write, range(8)) for word in each]
    assert len(told) == len(set(told)) == 8 * 99 + 1
    assert store.words() == set(told)


def test_whoever_waits_elsewhere_comes_before_one_who_just_wrote(tmp_path):
    here, there, enough, had = Turn(tmp_path), Turn(tmp_path), threading.Event(), [0]

    def write_on():
        while not enough.is_set():
            with here.taken(soon()):
                had[0] += 1
                time.sleep(0.001)

    with ThreadPoolExecutor(1) as pool:
        pool.submit(write_on)
        within(5, lambda: had[0] > 2)
        before = had[0]
        for _ in range(50):
            with there.taken(soon()):
                pass
        between = had[0] - before
        enough.set()
    assert between < 500


def test_the_turn_of_a_process_that_was_killed_is_free(tmp_path):
    program = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from consent_service.storage.turns import Turn\n"
        "with Turn(Path(sys.argv[1])).taken(time.monotonic() + 5):\n"
        "    print('taken', flush=True); time.sleep(60)\n"
    )
    command = [sys.executable, "-c", program, tmp_path]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as holder:
        assert holder.stdout.readline() == b"taken\n"
        with pytest.raises(Unavailable), Turn(tmp_path).taken(time.monotonic() + 0.1):
            pytest.fail("two have it")
        holder.send_signal(signal.SIGKILL)
        with Turn(tmp_path).taken(soon()):
            pass


def test_where_nothing_can_be_locked_threads_still_wait_for_each_other(tmp_path):
    turn = Turn(tmp_path / "nowhere")
    with turn.taken(soon()), pytest.raises(Unavailable), turn.taken(time.monotonic() + 0.1):
        pytest.fail("two have it")
    with turn.taken(soon()):
        pass


def test_a_store_without_a_file_locks_no_directory():
    assert turns._directory(":memory:") is None
    assert turns._directory(None) is None
    assert turns._directory("file:store?mode=ro") is None
