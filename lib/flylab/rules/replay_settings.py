"""What is reported or assumed of replays, as switches; what Fly documents of them has none."""

from dataclasses import dataclass

from flylab.wire import headers


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplaySettings:
    """Each default is what most sources say, or our choice where nobody says anything."""

    # Assumed: spaces, quotes around any value, repeated keys and commas between pairs are taken. True: refused, PA03.
    strict_grammar: bool = False
    json_wins: bool = True  # assumed: over a fly-replay header of the same answer
    region_spills: bool = False  # assumed: a list without `any` leads nowhere else
    prefers_running: bool = False  # assumed: a stopped machine of an earlier region is started
    to_itself: bool = True  # assumed: the machine that answered may be the target; False: PA02
    source: str = "last"  # assumed: which origin of a chain fly-replay-src names; otherwise "first"
    fallback_replays: bool = False  # assumed: a replay of a request that has fallen back is PA02
    timeout_cancels: bool = False  # reported by Fly's staff (forum 27404): what is under way then is not cut off
    forced_instance_stays: bool = True  # reported 2026-05-29: fly-force-instance-id beats the instance of a replay
    force_cookie: bool = True  # reported: a cookie named fly-force-instance-id counts like the header (forum 27681)
    force_wakes: bool = True  # assumed: fly-force-instance-id starts a stopped machine
    force_aliases: bool = True  # assumed: fly-force-region knows aliases
    forward_choosing: bool = True  # assumed: the headers that choose are passed on
    precedence: tuple[str, ...] = headers.CHOOSING  # assumed: which of several counts, strongest first
    hide_from_machines: bool = True  # assumed: what the proxy alone may say is dropped from a client's request
    hide_from_clients: bool = True  # reported 2023 of fly-replay, assumed of its family: dropped from all answers
    # Documented: apps of another organisation are out of reach unless it lists ours, which "ours>theirs" stands for.
    organizations: tuple[str, ...] = ()
