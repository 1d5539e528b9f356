"""Stops and suspends machines that nobody needs: looks at the clock and the loads, and performs what the rules say."""

import asyncio
import logging
from collections.abc import Callable

from flylab.local.platform import Platform
from flylab.rules import lifecycle as on
from flylab.rules.autostop import Autostop, AutostopSettings, CloseSockets, SoftCordon, Step, TakeDown, Uncordon
from flylab.rules.life import Life
from flylab.rules.standing import Standing, primary_region, standing
from flylab.wire.proxy_lines import stops

_log = logging.getLogger(__name__)


class Autostopper:
    """Told of every machine that changes; ``going_away`` lets the edges close a machine's WebSockets."""

    def __init__(self, platform: Platform, settings: AutostopSettings, going_away: Callable[[str], None]) -> None:
        self._platform = platform
        self._settings = settings
        self._going_away = going_away
        self._rules = Autostop(settings, platform.clock.now())
        self._timer: asyncio.TimerHandle | None = None

    def look(self, life: Life) -> None:
        """A machine is new, different or on its way out."""
        found = standing(life)
        if found is None:
            self._perform(self._rules.drop(life.id))
        else:
            self._rules.put(found, self._platform.clock.now())

    def start(self) -> None:
        """Look again and again from now on."""
        self._timer = asyncio.get_running_loop().call_later(self._settings.tick, self._tick)

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def call_off(self, machine_id: str) -> None:
        """A request has nowhere better to go than to this machine."""
        self._perform(self._rules.call_off(machine_id, self._platform.clock.now()))

    def _tick(self) -> None:
        loads = self._platform.loads
        self._perform(self._rules.tick(loads.of, loads.touched(), self._platform.clock.now(), self._primary))
        self.start()

    def _perform(self, steps: list[Step]) -> None:
        platform = self._platform
        for step in steps:
            match step:
                case SoftCordon(machine=machine):
                    _log.info("autostop: machine %s gets no new requests", machine)
                    platform.drain(machine, self.call_off if self._settings.request_cancels else None)
                case Uncordon(machine=machine):
                    platform.drain_no_more(machine)
                case CloseSockets(machine=machine):
                    platform.drain(machine, None)  # from here on there is no way back: requests wait, then wake it
                    self._going_away(machine)
                case TakeDown():
                    self._take_down(step)

    def _take_down(self, step: TakeDown) -> None:
        platform, machine, group, suspend = self._platform, step.machine, step.group, step.suspend
        if platform.fleet.leases.held(machine, platform.clock.wall()) is not None:
            # Assumed: the proxy stops by the Machines API and meets a lease there; the next pass tries again.
            _log.info("autostop: machine %s stays, a lease is held on it", machine)
        else:
            text = stops(
                group.app,
                machine,
                suspend=suspend,
                running=step.running,
                region=group.region,
                process_group=group.process_group,
            )
            platform.proxy_log.say(group.app, text, region=group.region, machine=machine)
            platform.report(machine, on.Suspend(source="proxy") if suspend else on.Stop(source="proxy"))
        platform.drain_no_more(machine)

    def _primary(self, machine: Standing) -> str:
        return primary_region(machine, self._oldest_region)

    def _oldest_region(self, app: str) -> str:
        lives = [life for life in self._platform.fleet.machines(app) if life.config.services]
        return min(lives, key=lambda life: (life.created_at, life.id)).region if lives else ""
