"""Several writers over one store, in arbitrary schedules: lost answers, delays, crashes, suspends, clocks, compaction.

Nothing here is simulated but the store and the time; the rules are those that `Journal` runs.
"""

import json
from collections import Counter
from collections.abc import Iterable
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from app.entries import Epoch, Said, format_entry
from app.history import Log, assemble, keep_epochs, plan_compaction, plan_load
from app.layout import room_prefix, segment_key, snapshot_key
from app.segments import Began, Checkpoint, format_checkpoint, parse_checkpoint, parse_segment
from app.tenure import Acknowledge, Effect, Lost, Put, Tenure, Verify
from flylab.errors import ParseError

ROOM = "blue"
HOUR = 3_600.0


def read(objects: dict[str, bytes], keys: Iterable[str]) -> Log | None:
    """What a reader makes of these keys; None when they do not fit together (any more) and it has to list again."""
    load = plan_load(keys)
    checkpoint = None
    numbers = list(load.segments)
    if load.snapshot is not None:
        key = snapshot_key(ROOM, load.snapshot)
        if key not in objects:
            return None
        checkpoint = parse_checkpoint(objects[key], key=key)
        if checkpoint.reads <= checkpoint.seq:
            numbers.insert(0, checkpoint.reads)
    names = [segment_key(ROOM, number) for number in numbers]
    if not all(name in objects for name in names):
        return None
    try:
        return assemble(ROOM, checkpoint, [parse_segment(objects[name], key=name) for name in names])
    except ParseError:
        return None


def contents(log: Log) -> dict[int, str]:
    """Every line of the room by its number, those before the snapshot too (a snapshot here is all lines)."""
    lines = {} if log.snapshot is None else {int(seq): text for seq, text in json.loads(log.snapshot[1]).items()}
    lines.update({entry.seq: format_entry(entry).decode() for entry in log.entries})
    return lines


class Request:
    """A put on its way: it arrives once, later or never, whether or not anybody still waits for the answer."""

    def __init__(self, writer: "Writer", put: Put) -> None:
        self.writer = writer
        self.put = put
        self.made: bool | None = None  # once it has arrived


class Writer:
    """One process that took, or tries to take, the room."""

    def __init__(self, number: int, tenure: Tenure, log: Log, skew: float) -> None:
        self.number = number
        self.tenure = tenure
        self.skew = skew
        self.lines = contents(log)
        self.lines[tenure.epoch.seq] = format_entry(tenure.epoch).decode()
        self.began: tuple[Began, ...] = (*log.began, Began(tenure.epoch.epoch, tenure.epoch.seq, tenure.epoch.at))
        self.request: Request | None = None
        self.proof: Verify | None = None
        self.doomed: list[str] = []  # what a compaction has still to delete


class Tenures(RuleBasedStateMachine):
    """The schedule is whatever order hypothesis calls the rules in."""

    tenure_type: type[Tenure] = Tenure
    least = 0  # epochs kept whatever their age: here time alone must do
    most_ahead, most_behind = 300.0, 300.0  # by how much clocks are wrong

    listed = Bundle("listed")
    logs = Bundle("logs")
    writers = Bundle("writers")
    requests = Bundle("requests")

    def __init__(self) -> None:
        super().__init__()
        self.objects: dict[str, bytes] = {}
        self.now = 1_000_000.0
        self.count = 0
        self.acknowledged: dict[int, tuple[int, str]] = {}  # seq → writer, line
        self.acknowledging: dict[int, int] = {}  # epoch → writer
        self.seen: Counter[str] = Counter()

    # Reading and taking, with everything that can come in between --------------

    @rule(target=listed)
    def list_keys(self) -> list[str]:
        return [key for key in sorted(self.objects) if key.startswith(room_prefix(ROOM))]

    @rule(target=logs, keys=consumes(listed))
    def fetch(self, keys: list[str]) -> Any:
        log = read(self.objects, keys)
        return multiple() if log is None else log

    @rule(target=logs)
    def read_at_once(self) -> Log:
        log = read(self.objects, self.list_keys())
        assert log is not None, "the log cannot be read"
        return log

    @rule(target=writers, log=logs, wrong=st.floats(0, 1), seed=st.integers(0, 2**32))
    def take(self, log: Log, wrong: float, seed: int) -> Writer:
        self.count += 1
        skew = self.most_ahead - wrong * (self.most_ahead + self.most_behind)
        epoch = Epoch(
            seq=log.next,
            at=self.now + skew,
            epoch=1 if log.epoch is None else log.epoch.epoch + 1,
            machine=f"m{self.count}",
            region="ams",
            app="rooms",
            writer=f"w{self.count}",
            why="taken",
        )
        return Writer(self.count, self.tenure_type(ROOM, epoch, Random(seed)), log, skew)

    # Writing ---------------------------------------------------------------------

    @rule(writer=writers, count=st.integers(1, 3))
    def say(self, writer: Writer, count: int) -> None:
        if not writer.tenure.held:
            return
        for _ in range(count):
            seq = writer.tenure.last + 1
            line = format_entry(
                Said(seq=seq, at=0.0, by="a", client="page", op=1, name="", hue=0, text=f"{writer.number}:{seq}")
            )
            writer.lines[seq] = line.decode()
            writer.tenure.queue(seq, line)

    @rule(target=requests, writer=writers)
    def send(self, writer: Writer) -> Any:
        match writer.tenure.next_put(self.now + writer.skew):
            case Put() as put:
                writer.request = Request(writer, put)
                return writer.request
            case Verify() as proof:
                writer.proof = proof
        return multiple()

    @rule(request=consumes(requests))
    def arrive(self, request: Request) -> None:
        request.made = request.put.key not in self.objects
        self.objects.setdefault(request.put.key, request.put.body)

    @rule(writer=writers)
    def answer(self, writer: Writer) -> None:
        if writer.request is None or writer.request.made is None:
            return
        request, writer.request = writer.request, None
        found = None if request.made else self.objects.get(request.put.key)
        self.seen["recognised"] += found == request.put.body
        self.seen["vanished"] += not request.made and found is None
        self.perform(
            writer, writer.tenure.put_done(self.now + writer.skew, created=request.made is True, found=found)
        )  # fmt: skip

    @rule(writer=writers)
    def lose_answer(self, writer: Writer) -> None:
        if writer.request is not None or writer.proof is not None:
            writer.request = writer.proof = None
            self.perform(writer, writer.tenure.failed(self.now + writer.skew))

    @rule(writer=writers)
    def prove(self, writer: Writer) -> None:
        if writer.proof is None:
            return
        proof, writer.proof = writer.proof, None
        self.seen["proofs"] += 1
        newer = any(key.startswith(prefix) and key > after for prefix, after in proof.listings for key in self.objects)
        self.seen["newer"] += newer
        self.perform(writer, writer.tenure.verified(self.now + writer.skew, newer=newer))

    @rule(writer=writers)
    def work(self, writer: Writer) -> None:
        """A whole put without trouble."""
        self.say(writer, 2)
        for _ in range(2):
            request = self.send(writer)
            if isinstance(request, Request):
                self.arrive(request)
            self.answer(writer)
            self.prove(writer)

    @rule(writer=consumes(writers))
    def crash(self, writer: Writer) -> None:
        pass  # what it has sent may still arrive

    @rule(seconds=st.sampled_from([0.1, 5.0, 20.0, 0.9 * HOUR, 2 * HOUR, 30 * HOUR]))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    # Shortening --------------------------------------------------------------------

    @rule(writer=writers, back=st.integers(0, 4))
    def snapshot(self, writer: Writer, back: int) -> None:
        if writer.tenure.stored < writer.tenure.epoch.seq:
            return
        tenure = writer.tenure
        seq = max(tenure.epoch.seq, tenure.stored - back)
        kept = self.kept(writer)
        reads = tenure.reads_after(seq)
        body = json.dumps({number: line for number, line in writer.lines.items() if number <= seq}).encode()
        checkpoint = Checkpoint(seq=seq, reads=reads, epoch=tenure.epoch, began=kept, body=body)
        self.objects[snapshot_key(ROOM, seq)] = format_checkpoint(checkpoint)
        writer.began = kept
        writer.doomed = plan_compaction(self.list_keys(), reads=reads, kept=kept)

    def kept(self, writer: Writer) -> tuple[Began, ...]:
        return keep_epochs(writer.began, self.now + writer.skew, least=self.least)

    @rule(writer=writers, count=st.integers(1, 20))
    def compact(self, writer: Writer, count: int) -> None:
        for _ in range(min(count, len(writer.doomed))):
            self.seen["deleted"] += self.objects.pop(writer.doomed.pop(), None) is not None

    # What must hold ------------------------------------------------------------------

    def perform(self, writer: Writer, effects: list[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, Acknowledge):
                self.seen["acknowledged"] += 1
                epoch = writer.tenure.epoch.epoch
                assert self.acknowledging.setdefault(epoch, writer.number) == writer.number, "two in one epoch"
                for seq in range(writer.tenure.epoch.seq, effect.seq + 1):
                    known = self.acknowledged.setdefault(seq, (writer.number, writer.lines[seq]))
                    assert known == (writer.number, writer.lines[seq]), "two entries acknowledged under one number"
            elif isinstance(effect, Lost):
                self.seen[effect.why] += 1
                writer.request = writer.proof = None

    @invariant()
    def nothing_acknowledged_is_lost(self) -> None:
        log = read(self.objects, self.list_keys())
        assert log is not None, "the log cannot be read"
        stored = contents(log)
        assert sorted(stored) == list(range(1, log.next))
        for seq, (_, line) in self.acknowledged.items():
            assert stored.get(seq) == line, f"entry {seq} was acknowledged and is not there"


class ForgetfulClocks(Tenures):
    """As above, on machines whose clocks stay behind by days after a resume: epochs are kept whatever their age."""

    least = 100
    most_behind = 1e6


def wander(machine_type: type[Tenures], seed: int, *, steps: int = 150) -> Counter[str]:
    """One schedule from a seed: mostly writing, now and then trouble. What happened, by kind."""
    machine, rng = machine_type(), Random(seed)
    pauses = [0.1, 0.1, 5.0, 20.0] if seed % 2 else [0.1, 5.0, 0.9 * HOUR, 2 * HOUR, 30 * HOUR]
    of_any_age = bool(seed % 3)
    listed: list[list[str]] = []
    logs: list[Log] = []
    writers: list[Writer] = []
    requests: list[Request] = []

    def keep(values: list[Any], value: Any) -> None:
        if type(value) is not type(multiple()):
            values.append(value)

    def one(values: list[Any], *, take: bool = False) -> Any:
        index = rng.randrange(len(values))
        if not of_any_age:
            index = min(index, rng.randrange(len(values)))  # rather those that are old
        return values.pop(index) if take else values[index]

    for _ in range(steps):
        ready = {
            "list": 2, "read": 2, "wait": 3, "fetch": 4 * bool(listed), "take": 3 * bool(logs),
            "arrive": 12 * bool(requests),
        }  # fmt: skip
        if writers:
            ready |= {
                "say": 6, "send": 12, "answer": 12, "lose": 3, "prove": 8, "work": 10, "crash": 1, "snapshot": 4,
                "compact": 8,
            }  # fmt: skip
        match rng.choices(list(ready), list(ready.values()))[0]:
            case "list":
                listed.append(machine.list_keys())
            case "read":
                logs.append(machine.read_at_once())
            case "fetch":
                keep(logs, machine.fetch(one(listed, take=True)))
            case "take":
                writers.append(machine.take(one(logs), rng.random(), rng.getrandbits(32)))
            case "wait":
                machine.wait(rng.choice(pauses))
            case "say":
                machine.say(one(writers), rng.randint(1, 3))
            case "send":
                keep(requests, machine.send(one(writers)))
            case "arrive":
                machine.arrive(one(requests, take=True))
            case "answer":
                machine.answer(one(writers))
            case "lose":
                machine.lose_answer(one(writers))
            case "prove":
                machine.prove(one(writers))
            case "work":
                machine.work(one(writers))
            case "crash":
                machine.crash(one(writers, take=True))
            case "snapshot":
                machine.snapshot(one(writers), rng.choice([0, 0, 1, 3]))
            case "compact":
                machine.compact(one(writers), rng.randint(1, 20))
        machine.nothing_acknowledged_is_lost()
    return machine.seen


def check(machine: type[Tenures], *, examples: int) -> None:
    quick = settings(
        max_examples=examples,
        stateful_step_count=40,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(machine, settings=quick)


def test_in_any_schedule_nothing_acknowledged_is_lost_and_one_writes() -> None:
    check(Tenures, examples=100)


def test_clocks_that_are_wrong_by_days_do_no_harm() -> None:
    check(ForgetfulClocks, examples=50)


@pytest.mark.parametrize("machine", [Tenures, ForgetfulClocks])
def test_hundreds_of_long_schedules_with_everything_in_them(machine: type[Tenures]) -> None:
    seen: Counter[str] = Counter()
    for seed in range(400):
        try:
            seen += wander(machine, seed)
        except AssertionError as exc:
            raise AssertionError(f"seed {seed}: {exc}") from exc
    assert seen["acknowledged"] > 1_000, seen
    for kind in ("fenced", "storage", "proofs", "newer", "recognised", "deleted"):
        assert seen[kind] > 20, seen
    assert seen["vanished"], seen


class Unfenced(Tenure):
    """Broken on purpose: takes an object that exists for its own."""

    def put_done(self, now: float, *, created: bool, found: bytes | None = None) -> list[Effect]:
        return super().put_done(now, created=True)


class Hasty(Tenure):
    """Broken on purpose: a put without an answer counts as stored."""

    def failed(self, now: float) -> list[Effect]:
        return self.put_done(now, created=True) if self.held else super().failed(now)


class Trusting(Tenure):
    """Broken on purpose: never looks whether the number it wrote had been written and deleted before."""

    def _overdue(self, now: float) -> bool:
        return False


@pytest.mark.parametrize("broken", [Unfenced, Hasty, Trusting])
def test_a_broken_rule_is_found_out(broken: type[Tenure]) -> None:
    machine = type("Broken", (Tenures,), {"tenure_type": broken})

    def search() -> None:
        for seed in range(400):
            wander(machine, seed)

    with pytest.raises(AssertionError):
        search()


class Greedy(Tenures):
    """Broken on purpose: compaction deletes the segments that begin an epoch with all others."""

    def kept(self, writer: Writer) -> tuple[Began, ...]:
        return ()


def fence_after_a_compaction(machine: Tenures) -> None:
    """A writer goes on after another one took the room, wrote, and shortened the log, all within a minute."""
    first = machine.take(machine.read_at_once(), 0.5, 1)
    machine.work(first)
    machine.work(first)
    second = machine.take(machine.read_at_once(), 0.5, 2)
    for _ in range(3):
        machine.work(second)
    machine.snapshot(second, 0)
    machine.compact(second, 20)
    machine.work(first)
    machine.nothing_acknowledged_is_lost()


def test_epochs_are_kept_for_a_reason() -> None:
    fence_after_a_compaction(Tenures())
    with pytest.raises(AssertionError, match="two entries acknowledged under one number"):
        fence_after_a_compaction(Greedy())
