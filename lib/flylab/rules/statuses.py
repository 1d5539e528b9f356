"""The status with which a client is told of the proxy's refusals; Fly's pages give hardly any by cause."""

from dataclasses import dataclass

from flylab.wire.codes import http_status

UPGRADE_REFUSED = "ws_replay"  # no code of Fly's: the one report names a status alone


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusSettings:
    """Whatever has no field here has its status in ``wire/codes.py``."""

    too_large: int = 502  # PA01; assumed
    too_many: int = 502  # PA02; reported 2026-05 (midplane)
    unreadable: int = 502  # PA03; assumed
    unknown_app: int = 502  # PA04; assumed
    forbidden_app: int = 502  # PA05; assumed
    timed_out: int = 504  # a replay's timeout without fallback; assumed
    forced_instance: int = 502  # fly-force-instance-id that cannot be used, PR02 and PR04; assumed
    no_candidate: int = 503  # PR03 and PR04; reported 2025-12 to 2026-10, one report says 502
    wake_timed_out: int = 503  # PM03, if nobody else could take the request; assumed
    upgrade: int = 502  # an upgrade that may not be replayed; reported 2026-07 (superset-sh/superset pull request 5542)

    def of(self, code: str) -> int:
        return getattr(self, _FIELDS[code]) if code in _FIELDS else http_status(code)


_FIELDS = {
    "PA01": "too_large",
    "PA02": "too_many",
    "PA03": "unreadable",
    "PA04": "unknown_app",
    "PA05": "forbidden_app",
    "PR03": "no_candidate",
    "PR04": "no_candidate",
    UPGRADE_REFUSED: "upgrade",
}
