"""The JSON form of a replay, the body of an ``application/vnd.fly.replay+json`` answer; only this has a transform.

{"region": "ams,eu", "state": "blue", "transform": {…}, "cache": {"prefix": "/rooms/blue/*", "ttl": 30}}
"""

import json
from dataclasses import replace

from flylab.errors import ParseError
from flylab.wire.replay import KEYS, Replay, replay_of
from flylab.wire.replay_cache import json_ask
from flylab.wire.transform import parse_transform

LONGEST = 65_536  # bytes; our choice


def parse_replay_json(body: bytes) -> Replay:
    """Read the body; raises ParseError (the proxy's PA03)."""
    if len(body) > LONGEST:
        raise ParseError("fly-replay", body[:200], f"it is longer than {LONGEST} bytes")
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError) as exc:
        raise ParseError("fly-replay", body[:200], "it is not JSON") from exc
    if not isinstance(fields, dict):
        raise ParseError("fly-replay", body[:200], "an object is expected")
    fields = {key: value for key, value in fields.items() if value is not None}
    transform, cache, bypass = (fields.pop(key, None) for key in ("transform", "cache", "allow_bypass"))
    replay = replay_of(_pairs(fields), body.decode("utf-8", "replace"))
    if transform is not None:
        replay = replace(replay, transform=parse_transform(transform))
    if cache is not None or bypass is not None:
        replay = replace(replay, cache=json_ask(cache, allow_bypass=bypass))
    more = (replay.transform.unknown if replay.transform else ()) + (replay.cache.unknown if replay.cache else ())
    return replace(replay, unknown=replay.unknown + more) if more else replay


def _pairs(fields: dict[str, object]) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for key, value in fields.items():
        if key == "elsewhere" and isinstance(value, bool):
            pairs[key] = "true" if value else "false"
        elif key in KEYS and not isinstance(value, str):
            raise ParseError("fly-replay", value, f"{key} is a text")
        else:
            # Header text is bytes read as latin-1 throughout; other characters travel as their UTF-8 bytes.
            pairs[key] = str(value).encode("utf-8", "replace").decode("latin-1")
    return pairs
