"""What a feed gave over a while, with the words that were said to it: kept, saved small, and played on a page."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flylab.errors import UsageError
from flylab.kit.control.scene import scene
from flylab.kit.control.thinning import dump, gather, thin

if TYPE_CHECKING:
    from flylab.kit.control.feed import Feed

Json = dict[str, Any]

LARGEST = 120_000  # bytes of JSON: a third of what a page of the site may weigh
MOST_FRAMES = 3_000  # kept while it goes on, five minutes of ten a second; then every two become one (our choice)
VERSION = 1
ABOUT = "Recorded on the local platform. Delays between regions are configured inputs; what machines took is measured."


@dataclass(slots=True)
class Recording:
    """``frames`` are ``{"at": seconds, "batch": …}``, ``captions`` ``{"at", "title", "text", "step", "of"}``."""

    frames: list[Json] = field(default_factory=list)
    captions: list[Json] = field(default_factory=list)
    began: float = 0.0  # seconds since the epoch
    _feed: "Feed | None" = None
    _resolution: float = 0.1

    @classmethod
    def of(cls, feed: "Feed") -> "Recording":
        """Everything from now on, beginning with what is there."""
        now = feed.clock.wall()
        made = cls(began=now, _feed=feed)
        made.hear(feed.picture.whole(now))
        feed.recordings.append(made)
        return made

    def hear(self, batch: Json) -> None:
        """One more batch of the feed."""
        self.frames.append({"at": round(max(batch["at"] - self.began, 0.0), 3), "batch": batch})
        if len(self.frames) > MOST_FRAMES:
            self._resolution *= 2
            self.frames = gather(self.frames, self._resolution)

    def say(self, caption: Mapping[str, Any]) -> None:
        """What is explained from now on."""
        at = 0.0 if self._feed is None else self._feed.clock.wall() - self.began
        said = {key: caption.get(key, "") for key in ("title", "text")}
        steps = {"step": int(caption.get("step") or 0), "of": int(caption.get("of") or 0)}
        self.captions.append({"at": round(max(at, 0.0), 3), **said, **steps})

    def end(self) -> "Recording":
        """Nothing more is added. Twice does no harm."""
        feed, self._feed = self._feed, None
        if feed is not None and self in feed.recordings:
            feed.recordings.remove(self)
        return self

    @property
    def seconds(self) -> float:
        """From the first frame to the last."""
        return float(max([frame["at"] for frame in self.frames] + [said["at"] for said in self.captions], default=0.0))

    def to_json(self, *, most: int = LARGEST) -> Json:
        """As it is saved; raises UsageError when it cannot be made that small."""
        regions = self.frames[0]["batch"].get("about", {}).get("regions", []) if self.frames else []
        made: Json = {
            "version": VERSION,
            "about": ABOUT,
            "began": round(self.began, 3),
            "seconds": self.seconds,
            "captions": self.captions,
            "scene": scene(regions),
            "frames": [],
        }
        spare = most - len(dump(made).encode())
        frames = thin(self.frames, spare)
        if frames is None:
            said = f"{len(self.frames)} frames over {self.seconds:.0f} s"
            raise UsageError(f"a recording of {said} cannot be made as small as {most:,} bytes: record less")
        return made | {"frames": frames}

    def save(self, path: Path | str, *, most: int = LARGEST) -> Path:
        """Write it as JSON of ``most`` bytes."""
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dump(self.to_json(most=most)), encoding="utf-8")
        return path

    @classmethod
    def load(cls, path: Path | str) -> "Recording":
        """Read what ``save`` wrote; raises UsageError for anything else."""
        try:
            return cls.from_json(json.loads(Path(path).read_text(encoding="utf-8")))
        except OSError as exc:
            raise UsageError(f"there is no recording at {path}: {exc.strerror}") from exc
        except (ValueError, UsageError) as exc:
            raise UsageError(f"{path} is no recording of the control room: {exc}") from exc

    @classmethod
    def from_json(cls, told: Any) -> "Recording":
        if not isinstance(told, dict) or told.get("version") != VERSION:
            raise UsageError(f"version {VERSION} is expected")
        frames, captions = told.get("frames"), told.get("captions")
        if not isinstance(frames, list) or not isinstance(captions, list) or not frames:
            raise UsageError("it has no frames or no captions")
        for frame in frames:
            if not (isinstance(frame, dict) and isinstance(frame.get("at"), (int, float))):
                raise UsageError("a frame has no time")
            if not isinstance(frame.get("batch"), dict):
                raise UsageError(f"the frame at {frame['at']} s has no batch")
        whole = [{"at": frame["at"], "batch": _EMPTY | frame["batch"]} for frame in frames]
        return cls(frames=whole, captions=captions, began=float(told.get("began") or 0.0))


_EMPTY: Json = {"machines": [], "gone": [], "arcs": [], "exchanges": [], "gauges": {}, "faults": []}
