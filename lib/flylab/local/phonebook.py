"""The fleet as names see it: implements ``rules.names.Directory`` over what the platform keeps."""

from collections.abc import Callable, Iterable, Iterator

from flylab.local.platform import Platform
from flylab.rules.life import Life
from flylab.rules.names import LOOPBACK, Asker, Flycast, Named
from flylab.wire.machine import MachineState as S

_API = 4280  # the port of _api.internal on Fly (machines/api/working-with-machines-api)


class Phonebook:
    """Reads the fleet at every question, so that an answer is never older than its TTL; ``ports`` only when wanted."""

    def __init__(
        self, platform: Platform, *, ports: bool, flycast: Callable[[str, Asker], Flycast], api_port: int
    ) -> None:
        self._platform = platform
        self._api_port = api_port
        self._flycast = flycast
        self._with_ports = ports

    def apps(self, network: str) -> Iterable[str]:
        return [app.name for app in self._platform.fleet.apps() if app.network == network]

    def machines(self, app: str) -> Iterator[Named]:
        return (self._named(life) for life in self._platform.fleet.machines(app) if _listed(life))

    def flycast(self, app: str, asker: Asker) -> Flycast:
        return self._flycast(app, asker)

    def api(self) -> Flycast:
        # It has no 6PN address: nobody could connect to one.
        return Flycast((LOOPBACK,), {_API: self._api_port}) if self._with_ports else Flycast()

    def _named(self, life: Life) -> Named:
        # A neighbour connects to such a port directly, which a network policy may forbid; the proxy asks nobody.
        wanted = (
            [port for port in _ports(life) if self._platform.boots.admits(life.id, port)] if self._with_ports else ()
        )
        places = {port: self._platform.address(life.id, port) for port in wanted}
        return Named(
            id=life.id,
            app=life.app,
            region=life.region,
            address=life.private_ip,
            started=life.state is S.STARTED,
            group=life.config.metadata.get("fly_process_group", ""),
            metadata=life.config.metadata,
            ports={port: place[1] for port, place in places.items() if place is not None},
        )


def _ports(life: Life) -> Iterable[int]:
    return {service.internal_port for service in life.config.services}


def _listed(life: Life) -> bool:
    dns = life.config.extra.get("dns")
    left_out = isinstance(dns, dict) and dns.get("skip_registration") is True
    return life.state is not S.DESTROYED and not left_out
