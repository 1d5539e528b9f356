"""A stored log as the room that it makes, before anybody takes it; pure."""

from app.config import Limits
from app.history import Log
from app.layout import snapshot_key
from app.reader import BrokenLog
from app.room import Room, RoomLimits, decode_snapshot
from flylab.errors import ParseError


def fold(room: str, log: Log, limits: Limits) -> Room:
    """The room as of the log's last entry; raises `BrokenLog` when the snapshot, or what follows it, makes none."""
    contents = Room(
        room,
        RoomLimits(
            history=limits.history,
            shapes=limits.shapes,
            room_bytes=limits.room_bytes,
            clients=limits.clients,
            undo=limits.undo,
        ),
    )
    try:
        snapshot = None
        if log.snapshot is not None:
            snapshot = decode_snapshot(log.snapshot[1])
            if snapshot.seq != log.snapshot[0]:
                raise ParseError("snapshot", snapshot.seq, f"it is stored as that of entry {log.snapshot[0]}")
        contents.restore(snapshot, log.entries)
    except ParseError as exc:
        named = exc.what if log.snapshot is None else f"snapshot {snapshot_key(room, log.snapshot[0])}"
        raise BrokenLog(room, named, exc.why) from exc
    return contents
