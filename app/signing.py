"""The words that travel in ``state`` from one machine to the next: signed, bound to one room, short-lived.

Whoever can make a machine take a room could take it away from its holder, so nothing in ``state`` is believed without
our signature. A visitor never sees one: the proxy hands it from machine to machine and strips it from what visitors
send. The secret is the setting ``ROOMS_SECRET``, or else the object ``keys/signing``, made by whoever comes first.
"""

import asyncio
import hashlib
import logging
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from flylab.errors import FlylabError

if TYPE_CHECKING:
    from app.store import Store

_log = logging.getLogger("app")

SECRET_KEY = "keys/signing"
# One step of a chain may wait for a machine to be made or woken; a clock may be behind after a resume (our choices).
LIFETIME = 90.0
SKEW = 30.0
# Replays that we ask for in one request. Fly allows ten; two are left to whatever replayed the request to us.
MOST_REPLAYS = 8
# What a request counts as having behind it when somebody else, whose state is not ours, replayed it to us.
REPLAYS_BEFORE_US = 2

_TAG = "r1."


class Word(StrEnum):
    """What the sender of a request says about the epoch in its state."""

    SEEK = "seek"  # nothing: find out yourself
    HINT = "hint"  # the hint says that you hold it
    HELD = "held"  # the log says that you hold it
    FREE = "free"  # nobody holds it: it is yours after this epoch
    LOST = "lost"  # the holder of this epoch could not be reached: it is yours after it
    GAVE = "gave"  # I held this epoch and hold it no more: it is yours after it


# The words that give a room away; they count only while the log knows no epoch after theirs.
ASSIGNING = frozenset({Word.FREE, Word.LOST, Word.GAVE})


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What one machine tells the next. ``hops`` counts the replays of this request, this one included.

    ``target`` is the machine that it was meant for, ``tried`` are machines that could not take the room, ``lobby`` is
    the app that may look for another one.
    """

    room: str
    word: Word
    epoch: int
    hops: int = 1
    target: str = ""
    tried: tuple[str, ...] = ()
    lobby: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """What can be believed of a state: all of it, or only how many replays the request has behind it."""

    state: State | None
    hops: int


class Signer:
    """Writes and reads states with one secret; ``wall`` is the time in seconds since 1970."""

    def __init__(self, secret: bytes, *, wall: Callable[[], float] = time.time) -> None:
        # Late: 7 ms that a room's first message does not need.
        from itsdangerous import BadData, TimestampSigner, URLSafeTimedSerializer

        class Stamp(TimestampSigner):
            def get_timestamp(self) -> int:
                return int(wall())

        self._wall = wall
        self._unreadable = (BadData, ValueError, TypeError)
        self._serializer = URLSafeTimedSerializer(
            secret, salt="rooms.state", signer=Stamp, signer_kwargs={"digest_method": hashlib.sha256}
        )

    def sign(self, state: State) -> str:
        """The text for ``state``; letters, digits, ``.``, ``-`` and ``_`` only."""
        values = [state.room, state.word, state.epoch, state.hops, state.target, list(state.tried), state.lobby]
        return _TAG + str(self._serializer.dumps(values))

    def read(self, text: str | None, *, room: str = "") -> Reading:
        """Read what came in ``fly-replay-src``; with an empty ``room`` the state may name any.

        A state of ours that has expired or is about another room gives nothing away, but its replays still count. One
        that has our form and not our signature leaves no replay at all: no chain of strangers goes on for ever.
        """
        if text is None or not text.startswith(_TAG):
            return Reading(None, REPLAYS_BEFORE_US)
        try:
            values, signed = self._serializer.loads(text.removeprefix(_TAG), return_timestamp=True)
            named, word, epoch, hops, target, tried, lobby = values
            state = State(
                room=str(named),
                word=Word(word),
                epoch=int(epoch),
                hops=int(hops),
                target=str(target),
                tried=tuple(tried),
                lobby=str(lobby),
            )
        except self._unreadable:
            return Reading(None, MOST_REPLAYS)
        age = self._wall() - signed.timestamp()
        believed = room in ("", state.room) and -SKEW <= age <= LIFETIME
        return Reading(state if believed else None, state.hops)


class Keys:
    """The secret that all machines share, fetched when it is first needed, and what is made of it."""

    def __init__(self, store: "Store", given: str = "", *, wall: Callable[[], float] = time.time) -> None:
        self._store = store
        self._secret = given.encode() or None
        self._wall = wall
        self._signer: Signer | None = None
        self._loading: asyncio.Task[bytes] | None = None

    async def secret(self) -> bytes:
        """The setting, or the secret in the store, made if there is none; raises what the store raises."""
        if self._secret is not None:
            return self._secret
        if self._loading is None:  # one request for all who wait
            self._loading = asyncio.create_task(self._load(), name="signing secret")
        return await asyncio.shield(self._loading)

    async def signer(self) -> Signer | None:
        """Who signs and reads states; None while the store that has the secret does not answer."""
        if self._signer is None:
            try:
                self._signer = Signer(await self.secret(), wall=self._wall)
            except FlylabError as exc:
                _log.warning("no state can be signed or believed: %s", exc)
        return self._signer

    async def _load(self) -> bytes:
        try:
            fresh = secrets.token_hex(32).encode()
            found: bytes | None = None
            while found is None:  # of several that make one, the first has made it for all
                found = await self._store.get(SECRET_KEY)
                if found is None and await self._store.create(SECRET_KEY, fresh):
                    found = fresh
            self._secret = found
            return found
        finally:
            self._loading = None
