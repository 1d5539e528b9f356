"""One observation, frozen: everything else in this package makes samples or folds over them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from flylab.errors import ParseError

OK = "ok"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One request or step; the three times are seconds since the run began.

    ``what`` was done (``replay``), ``where`` (``ams→iad``), ``outcome`` is ``ok`` or names what went wrong (``503``,
    ``ReadTimeout``), ``detail`` holds whatever else was seen, for example the hops of the edge's trace.
    """

    what: str
    where: str
    scheduled: float
    sent: float
    finished: float
    outcome: str = OK
    detail: Mapping[str, object] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        return self.outcome == OK

    @property
    def latency(self) -> float:
        """From the time at which it should have been sent: a stalled sender hides nothing."""
        return self.finished - self.scheduled

    @property
    def lateness(self) -> float:
        """How much too late it was sent, which is the generator's own fault."""
        return self.sent - self.scheduled

    @classmethod
    def from_json(cls, value: object) -> "Sample":
        """Read one line of a run's samples; raises ParseError."""
        if not isinstance(value, Mapping):
            raise ParseError("sample", value, "an object is expected")
        try:
            return cls(
                what=str(value["what"]),
                where=str(value["where"]),
                scheduled=float(value["scheduled"]),
                sent=float(value["sent"]),
                finished=float(value["finished"]),
                outcome=str(value.get("outcome", OK)),
                detail=dict(value.get("detail") or {}),
            )
        except (KeyError, TypeError, ValueError) as exc:
            raise ParseError("sample", dict(value), f"{type(exc).__name__} {exc}") from exc

    def to_json(self) -> dict[str, object]:
        return {
            "what": self.what,
            "where": self.where,
            "scheduled": self.scheduled,
            "sent": self.sent,
            "finished": self.finished,
            "outcome": self.outcome,
            "detail": dict(self.detail),
        }
