"""What is promised to the members of one room, held against the room's log at the end of a run."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import msgspec

from app.entries import AnyEntry, Edited, Epoch, Operation, Said
from app.history import Log
from app.room import Room, decode_snapshot
from app.store import Store
from flylab.errors import FlylabError
from tests.app.reliability.real_model import Client, Json, View
from tests.app.reliability.real_store import read_history


@dataclass(frozen=True, slots=True)
class Violation:
    """A promise that was broken: ``kind`` is ``lost``, ``duplicated``, ``diverged``, ``split`` or ``unsettled``."""

    kind: str
    room: str
    text: str


class Checks:
    """One room's log against what its members were told."""

    def __init__(self, room: str, clients: list[Client], entries: list[AnyEntry]) -> None:
        self.found: list[Violation] = []
        self._room = room
        self._clients = clients
        self._entries = entries
        self._json: list[Json] = [_plain(entry) for entry in entries]

    def all(self, log: Log) -> list[Violation]:
        """Everything that must hold when all is quiet again."""
        self._whole(log)
        self._operations()
        self._marks()
        self._order()
        self._views(log)
        return self.found

    def _whole(self, log: Log) -> None:
        if log.next - 1 != len(self._entries):
            self._add("lost", f"the log goes up to {log.next - 1}, with what was deleted it has {len(self._entries)}")
        epochs = [entry.epoch for entry in self._entries if isinstance(entry, Epoch)]
        if epochs != list(range(1, len(epochs) + 1)):
            self._add("split", f"the epochs are {epochs}")

    def _operations(self) -> None:
        places = Counter((e.client, e.op) for e in self._entries if isinstance(e, Operation) and e.op)
        for (name, op), times in places.items():
            if times > 1:
                self._add("duplicated", f"operation {name}/{op} is in the log {times} times")
        for client in self._clients:
            for op in client.acknowledged:
                if not places[client.client, op]:
                    self._add("lost", f"operation {client.client}/{op} was acknowledged and is not in the log")
        sent = {(client.client, op): message for client in self._clients for op, message in client.sent.items()}
        for entry in self._entries:
            if isinstance(entry, Operation) and entry.op and not _is(entry, sent.get((entry.client, entry.op))):
                self._add("diverged", f"entry {entry.seq} is not what {entry.client} asked for as {entry.op}")

    def _marks(self) -> None:
        """Nobody acknowledged anything beyond the end of their epoch, or in an epoch that was not theirs."""
        began = {entry.epoch: entry for entry in self._entries if isinstance(entry, Epoch)}
        for mark in {mark for client in self._clients for mark in client.marks}:
            own, following = began.get(mark.epoch), began.get(mark.epoch + 1)
            if own is None or own.machine != mark.machine:
                self._add("split", f"{mark.machine} acknowledged {mark.seq} in epoch {mark.epoch} of {own}")
            elif mark.seq >= (following.seq if following is not None else len(self._entries) + 1):
                end = following.seq - 1 if following is not None else len(self._entries)
                self._add("split", f"{mark.machine} acknowledged {mark.seq} in epoch {mark.epoch}, which ends at {end}")

    def _order(self) -> None:
        for client in self._clients:
            for seq, entry in client.confirmed.items():
                if seq > len(self._entries):
                    self._add("lost", f"{client.client} was told that {entry} is stored; the log does not go so far")
                elif self._json[seq - 1] != _plain(msgspec.convert(entry, AnyEntry)):
                    self._add("lost", f"{client.client} was told that {entry} is stored; that is {self._json[seq - 1]}")
            for problem in client.problems:
                self._add("diverged", f"{client.client}: {problem}")

    def _views(self, log: Log) -> None:
        """Fold the log with the room's own rule and with the clients', and compare with all that anybody was shown."""
        shown: dict[int, list[tuple[str, View]]] = {}
        for client in self._clients:
            last = [] if client.over else [(client.seq, client.view)]
            for seq, view in [*client.states, *last]:
                shown.setdefault(seq, []).append((client.client, view))
        room, view = Room(self._room), View()
        for entry, plain in zip(self._entries, self._json, strict=True):
            room.apply(entry)
            view.apply(plain)
            for name, seen in shown.pop(entry.seq, ()):
                self._compare(f"what {name} was shown at {entry.seq}", seen, view)
        for seq, more in shown.items():
            self._add(
                "diverged", f"{[name for name, _ in more]} were shown {seq}, the log ends at {len(self._entries)}"
            )
        self._compare("the room's own fold", _view_of(room), view)
        again = Room(self._room)
        again.restore(None if log.snapshot is None else decode_snapshot(log.snapshot[1]), log.entries)
        self._compare("what the next machine takes up", _view_of(again), view)
        if again.snapshot() != room.snapshot():
            self._add("diverged", "the snapshot with what follows is not the fold of the log")

    def _compare(self, what: str, seen: View, truth: View) -> None:
        if list(seen.shapes.items()) != list(truth.shapes.items()):
            self._add("diverged", f"{what}: shapes {seen.shapes}, the log says {truth.shapes}")
        if [line["seq"] for line in seen.chat] != [line["seq"] for line in truth.chat]:
            self._add("diverged", f"{what}: {len(seen.chat)} lines of chat, the log says {len(truth.chat)}")

    def _add(self, kind: str, text: str) -> None:
        self.found.append(Violation(kind, self._room, text))


async def check(store: Store, room: str, clients: list[Client]) -> list[Violation]:
    """All promises to the members of a room that are broken."""
    try:
        entries, log = await read_history(store, room)
    except FlylabError as exc:
        return [Violation("lost", room, f"the log cannot be read: {exc}")]
    return Checks(room, clients, entries).all(log)


def _plain(entry: Any) -> Json:
    plain: Json = msgspec.to_builtins(entry)
    return plain


def _view_of(room: Room) -> View:
    view = View()
    view.add({"shapes": [_plain(shape) for shape in room.shapes()], "chat": [_plain(said) for said in room.chat()]})
    return view


def _is(entry: Operation, sent: Json | None) -> bool:
    """Whether the entry is what the client sent under its number, as far as that can be told."""
    match sent:
        case {"t": "say", "text": text}:
            return isinstance(entry, Said) and entry.text == text
        case {"t": "undo"}:
            return isinstance(entry, Edited) and entry.undoes > 0
        case {"t": "redo"}:
            return isinstance(entry, Edited) and entry.redoes > 0
        case {"t": "edit", "changes": changes}:
            made = isinstance(entry, Edited) and not entry.undoes and not entry.redoes
            return made and msgspec.to_builtins(entry)["changes"] == changes
    return False
