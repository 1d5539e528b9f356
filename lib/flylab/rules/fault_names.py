"""The named faults: what each does, where it bites, how a user survives it, and where it was seen.

A fault is either armed, or it is what Fly does anyway and needs nothing but an app that provokes it, or a setting. The
rows of the last two kinds say so in ``how``. Sources without a scheme are addresses; "docs" are pages of Fly's.
"""

from dataclasses import dataclass
from enum import StrEnum


class Where(StrEnum):
    """What a fault is done to."""

    API = "api"
    EDGE = "edge"
    MACHINE = "machine"
    VOLUME = "volume"


class Unit(StrEnum):
    """What the value of a fault is."""

    NONE = ""
    SECONDS = "seconds"
    WORD = "word"
    STATUS = "status"


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """One fault by name; ``targets`` are what it can be aimed at, ``value`` is what stands without one."""

    name: str
    where: Where
    what: str
    survive: str
    source: str
    targets: tuple[str, ...] = ()
    unit: Unit = Unit.NONE
    value: float | str | None = None
    words: tuple[str, ...] = ()
    how: str = ""  # not armed: how it is produced

    @property
    def armable(self) -> bool:
        return not self.how


_MACHINE = ("app", "region", "machine")
_MAKING = ("app", "region")
_ANY = ("app", "region", "machine", "volume")

EDGE_FAULTS = (
    Known(
        name="slow_port",
        where=Where.MACHINE,
        what="the port of a started machine refuses connections for `value` seconds: PC01, then PM05 after 15 tries",
        survive="small imports, a client time-out of 30 s and more on the first call; VM and app start measured apart",
        source="adrianmoses/trozo docs/specs/007-chunker-fly (2026-09)",
        targets=_MACHINE,
        unit=Unit.SECONDS,
        value=10.0,  # more than the 8.1 to 9.1 s that the proxy tries
    ),
    Known(
        name="early_port",
        where=Where.MACHINE,
        what="the port takes connections and drops them for `value` seconds after the start: 502 with PU02",
        survive="the port opened last, a readiness check, callers that repeat 502 and 503 where that is safe",
        source="superfly/litefs issues 347 and 367; adcontextprotocol/adcp pull request 93",
        targets=_MACHINE,
        unit=Unit.SECONDS,
        value=2.0,
    ),
    Known(
        name="target_5xx",
        where=Where.MACHINE,
        what="the machine takes the request and answers with status `value`; a fallback of a replay does not help",
        survive="timeout and fallback taken for what they are, protection from machines that cannot be reached",
        source="community.fly.io/t/27404",
        targets=_MACHINE,
        unit=Unit.STATUS,
        value=500.0,
    ),
    Known(
        name="target_gone",
        where=Where.EDGE,
        what="edges do not find the machine: a replay with `instance` is tried for long and ends in 503 with PR04",
        survive="`prefer_instance`; on fly-preferred-instance-unavailable no further replay, the room moves",
        source="tldraw/tldraw pull request 8748; zauberzeug/nicegui pull request 1814",
        targets=_MACHINE,
    ),
    Known(
        name="stale_edge",
        where=Where.EDGE,
        what="edges take a stopped machine for a started one: PM11, then another one, or the only one is started",
        survive="a cordon before a stop, or five minutes of patience before a start is called cold",
        source="community.fly.io/t/24528; PM11 in docs monitoring/error-codes",
        targets=_MACHINE,
    ),
    Known(
        name="stale_load",
        where=Where.EDGE,
        what="edges take the machine for one at its soft limit though it idles, so that others get everything",
        survive="a hard_limit; rooms routed by the app itself",
        source="community.fly.io/t/27681",
        targets=_MACHINE,
    ),
    Known(
        name="bad_edge",
        where=Where.EDGE,
        what="connections from the edge of `region` to machines run into the connect time-out: PC05",
        survive="time-outs reported beside the quantiles and never averaged away; another try",
        source="community.fly.io/t/28121",
        targets=("app", "region"),
    ),
    Known(
        name="wake_refused",
        where=Where.EDGE,
        what="a stopped machine is not woken: PM07 (caught in its stop) or PM01 (the API's rate limit), then PR03",
        survive="two machines where that matters; machines started by oneself, spaced, before a burst",
        source="dritory/blurpadurp docs/runbook.md 13; PM11 in docs monitoring/error-codes",
        targets=_MACHINE,
        unit=Unit.WORD,
        value="PM07",
        words=("PM01", "PM07", "PM08"),
    ),
    Known(
        name="check_flap",
        where=Where.MACHINE,
        what="a check of a machine fails though the machine is well; alone it is an outage, PR01 and 503",
        survive="two machines, or a check of no more than that it accepts, with a generous time-out",
        source="jaystewartuk/spiralclass issue 94; TheRestartProject/restarters.net pull request 905",
        targets=_MACHINE,
    ),
    Known(
        name="autostop_busy",
        where=Where.MACHINE,
        what="the proxy stops a machine that has requests or sockets open; sockets end with 1001 first",
        survive="autostop off, or one machine a region; a room server ends by itself when its last room is empty",
        source="fastrepl/anarlog pull request 7116; formula in docs reference/fly-proxy-autostop-autostart",
        targets=_MACHINE,
    ),
    Known(
        name="lease_held",
        where=Where.API,
        what="somebody else holds the lease: 409 at calls that change the machine; the proxy does not wake it, PM01",
        survive="a short ttl with refreshes, the nonce on every write, no lease on machines that should autostart",
        source="superfly/flyctl pull requests 1728, 2452, 4313; byte5ai/omadia pull request 705",
        targets=_MACHINE,
    ),
    Known(
        name="going_away",
        where=Where.EDGE,
        what="edges close the WebSockets to a machine with 1001, once for each of its starts; it goes on running",
        survive="reconnect on 1001 with jitter, resume by sequence number, a heartbeat under the idle time-out",
        source="community.fly.io/t/27544",
        targets=_MACHINE,
    ),
    Known(
        name="replay_loop",
        where=Where.EDGE,
        what="a machine replays to itself until the eleventh time: 502 with PA02",
        survive="the target compared with FLY_MACHINE_ID; no replay of a request that has fly-replay-src",
        source="superset-sh/superset pull request 4114",
        how="an app that answers `fly-replay: instance=$FLY_MACHINE_ID`; setting `[exchange] replays`",
    ),
    Known(
        name="body_too_large",
        where=Where.EDGE,
        what="a request with a body over 1 MB cannot be replayed: 502 with PA01",
        survive="uploads sent with fly-prefer-region, or the target asked for first",
        source="docs networking/dynamic-request-routing; superfly/litefs issue 433",
        how="a POST of 1,048,577 bytes to an app that replays; setting `[exchange] replay_limit`",
    ),
    Known(
        name="stale_cache",
        where=Where.EDGE,
        what="a cached replay keeps sending to an owner that has moved, without fly-replay-src",
        survive="ownership checked at every request; a replay to the owner with `invalidate`; a ttl of 10 to 30 s",
        source="docs networking/dynamic-request-routing",
        how="an app that answers with `fly-replay-cache`, and an owner that changes before the ttl is over",
    ),
    Known(
        name="ws_replay",
        where=Where.EDGE,
        what="a replayed upgrade is refused, or honoured only with (or only without) a 101",
        survive="a plain refusal with the header, never an accept first; a second way that needs no replay",
        source="superset-sh/superset pull request 5542; tldraw/tldraw pull request 8748",
        how="`flylab up --ws-replay ams-nrt=refuse`, or `across=only_101` and the like",
    ),
)

API_FAULTS = (
    Known(
        name="host_full",
        where=Where.API,
        what="409 at start and update: `insufficient <value> available to fulfill request`; repeating cannot help",
        survive="a new machine elsewhere, then the old one destroyed",
        source="Kilo-Org/cloud pull request 412; superfly/fly-go pull request 306",
        targets=_MACHINE,
        unit=Unit.WORD,
        value="CPUs",
        words=("CPUs", "memory", "IPs", "resources"),
    ),
    Known(
        name="volume_host_full",
        where=Where.VOLUME,
        what="412 `volume_placement_capacity` for a machine that must sit beside its volume",
        survive="`compute` sent when the volume is made; the volume forked when data matters, replaced when not",
        source="Kilo-Org/cloud pull request 388; superfly/flyctl pull request 5141",
        targets=("app", "region", "volume"),
    ),
    Known(
        name="region_full",
        where=Where.API,
        what="no room in the region: 422 for a machine, 409 `no capacity` for a volume; left out of placements",
        survive="an ordered list of concrete regions; `/platform/placements` before a batch",
        source="superfly/fly-go tests; superfly/flyctl issue 2871; docs machine-placement",
        targets=_MAKING,
    ),
    Known(
        name="org_quota",
        where=Where.API,
        what="403 `over the allowed quota` at create: not about permission, the quota in the region is used up",
        survive="this 403 taken as want of room, any other as fatal",
        source="Kilo-Org/cloud pull requests 516 and 1694",
        targets=_MAKING,
    ),
    Known(
        name="region_deprecated",
        where=Where.API,
        what="a region is marked deprecated in lists and refused at create",
        survive="`deprecated` read from `/platform/regions` at run time, no list in the program",
        source="superfly/docs issue 2171; superfly/flyctl pull requests 4613 and 4616",
        targets=_MAKING,
    ),
    Known(
        name="volume_gone",
        where=Where.VOLUME,
        what="400 `volume not found` at create of a machine, although the volume reads fine",
        survive="a new volume once, not in a loop",
        source="Kilo-Org/cloud pull request 3212",
        targets=("app", "region", "volume"),
    ),
    Known(
        name="rate_limit",
        where=Where.API,
        what="429 without Retry-After",
        survive="a token bucket for each action and id, pauses that grow and are spread",
        source="docs machines/api/working-with-machines-api; community.fly.io/t/20636",
        targets=_MACHINE,
    ),
    Known(
        name="ambiguous_408",
        where=Where.API,
        what="a write answers 408: `done` and told late, or `not` done, or `either`",
        survive="a mark in the metadata before the first try, a look before the next; cordon, stop, delete repeated",
        source="superfly/flyctl pull requests 4851 and 5098; fly.io/infra-log/2025-05-17",
        targets=_MACHINE,
        unit=Unit.WORD,
        value="either",
        words=("done", "not", "either"),
    ),
    Known(
        name="lost_response",
        where=Where.API,
        what="a write is done and its answer is cut off",
        survive="a unique name for each machine, the machine of a 409 `already_exists` adopted",
        source="2witstudios/PageSpace pull request 2425; superfly/flyctl pull request 3601",
        targets=_MACHINE,
    ),
    Known(
        name="empty_list",
        where=Where.API,
        what="lists of machines come back empty",
        survive="an empty list never taken for nothing when ids are known: each is asked for",
        source="fly.io/infra-log/machines-api-duplicates (2026-04-28)",
        targets=("app",),
    ),
    Known(
        name="strict_wait",
        where=Where.API,
        what="400 for a wait for `stopped` that names no version",
        survive="`version` or `instance_id` in every wait",
        source="Kilo-Org/cloud pull request 297",
        targets=_MACHINE,
    ),
    Known(
        name="slow_stop",
        where=Where.MACHINE,
        what="412 `still active` to a start within `value` seconds after a stop, also when `state` reads stopped",
        survive="a wait for stopped, then starts every 250 ms for 10 s, on 412 alone",
        source="DayriseA/checkout-surge (2026-10)",
        targets=_MACHINE,
        unit=Unit.SECONDS,
        value=8.0,
    ),
    Known(
        name="slow_replace",
        where=Where.MACHINE,
        what="an update leaves the machine `replacing` for `value` seconds; a start meanwhile is 412",
        survive="a wait for rest, not called failed before ten minutes; 412 repeated for some seconds",
        source="Kilo-Org/cloud pull request 1251; hexclave/hexclave pull request 2060",
        targets=_MACHINE,
        unit=Unit.SECONDS,
        value=70.0,  # "over a minute is normal"
    ),
    Known(
        name="slow_destroy",
        where=Where.MACHINE,
        what="a destroyed machine still reads `destroying` for `value` seconds",
        survive="`destroying`, `destroyed` and 404 taken for the same",
        source="Kilo-Org/cloud pull request 1664",
        targets=_MACHINE,
        unit=Unit.SECONDS,
        value=5.0,  # our choice
    ),
    Known(
        name="stuck_created",
        where=Where.MACHINE,
        what="a new machine stays `created` for `value` seconds before it is launched",
        survive="a deadline of one's own on the first boot, then destroyed and made again",
        source="community.fly.io/t/28143 (2026-06)",
        targets=_MACHINE,
        unit=Unit.SECONDS,
        value=8400.0,  # 2 h 20 min
    ),
    Known(
        name="unpack_failed",
        where=Where.MACHINE,
        what="the create succeeds, then the image cannot be unpacked and the machine does not exist",
        survive="small images; 404 in the first wait is a create that failed, after some tries",
        source="addy999/omniparser-api issue 1",
        targets=_MACHINE,
    ),
    Known(
        name="boot_failed",
        where=Where.MACHINE,
        what="a start ends in `failed`, a state at rest that code forgets",
        survive="every state listed; unknown states are not ready and no error",
        source="Kilo-Org/cloud pull request 1144",
        targets=_MACHINE,
    ),
    Known(
        name="restart_fights_stop",
        where=Where.MACHINE,
        what="a machine is started again right after a stop that was asked for",
        survive="policy `no` for machines that measure; `requested_stop` in the exit event looked at",
        source="Kilo-Org/cloud issue 1000",
        targets=_MACHINE,
    ),
    Known(
        name="host_down",
        where=Where.MACHINE,
        what="`host_status` is `unreachable` and `config` is missing; writes answer 408, edges get no connection",
        survive="`incomplete_config` read; destroyed with force; not waited for",
        source="superfly/fly-go pull request 93; flyctl bluegreen",
        targets=_MACHINE,
    ),
    Known(
        name="snapshot_lost",
        where=Where.MACHINE,
        what="the start of a suspended machine is a cold one",
        survive="each start labelled by what happened, not by what was asked",
        source="docs reference/suspend-resume; superfly/docs pull request 2182",
        targets=_MACHINE,
    ),
    Known(
        name="migrate",
        where=Where.MACHINE,
        what="a start brings the machine up on another host, with another 6PN address; the answer says migrated",
        survive="`<id>.vm.<app>.internal`, resolved at each connect",
        source="community.fly.io/t/20022; fly.io/infra-log/stale-6pn-mappings",
        targets=_MACHINE,
    ),
    Known(
        name="cpu_throttle",
        where=Where.MACHINE,
        what="`value` seconds after its start the machine's first process runs for 5 of every 80 ms",
        survive="warm-up told apart from steady state, the size stated in every latency figure",
        source="docs machines/cpu-performance",
        targets=_MACHINE,
        unit=Unit.SECONDS,
        value=5.0,
    ),
    Known(
        name="clock_skew",
        where=Where.MACHINE,
        what="the clock is behind after a resume",
        survive="durations from a monotonic clock; connections tested after a jump",
        source="docs reference/suspend-resume",
        how="a process has the clock of its computer: give the machine's `env` libfaketime (`LD_PRELOAD`, "
        "`FAKETIME_TIMESTAMP_FILE`) and write `-5s` into that file before the resume",
    ),
)

KNOWN = {known.name: known for known in (*EDGE_FAULTS, *API_FAULTS)}
