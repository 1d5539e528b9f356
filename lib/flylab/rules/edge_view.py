"""What the edges see of the fleet: a row for each app and machine, whose a hostname is, and who is being drained."""

from collections.abc import Callable

from flylab.rules.fleet import Fleet
from flylab.rules.life import Life
from flylab.rules.routing import AppRow, Row, View
from flylab.rules.waking import asked_to_stop
from flylab.wire.machine import MachineState


class EdgeView:
    """Keeps ``view`` as the fleet is; whoever changes the fleet names what has changed."""

    def __init__(self, fleet: Fleet) -> None:
        self.view = View()
        self._fleet = fleet
        self._draining: dict[str, Callable[[str], None] | None] = {}  # who is told when a request needs the machine

    def drain(self, machine_id: str, call_off: Callable[[str], None] | None) -> None:
        """Let edges send no new requests there; ``call_off`` is called when one needs it, None: they wait."""
        self._draining[machine_id] = call_off
        self._tell_of_machine(machine_id)

    def drain_no_more(self, machine_id: str) -> None:
        """Let edges send requests there again, if it is up; unknown ones are fine."""
        if machine_id in self._draining:
            del self._draining[machine_id]
            self._tell_of_machine(machine_id)

    def needed(self, machine_id: str) -> None:
        """A request is to go to a started machine that may be on its way out."""
        if call_off := self._draining.get(machine_id):
            call_off(machine_id)

    def tell_of_apps(self, names: list[str]) -> None:
        for name in names:
            app = self._fleet.app(name)
            self.view.put_app(AppRow(name=app.name, organization=app.organization, network=app.network))

    def tell_of_hosts(self, hostnames: list[str]) -> None:
        for hostname in hostnames:
            if app := self._fleet.belongings.certificates.owner(hostname):
                self.view.put_host(hostname, app)
            else:
                self.view.drop_host(hostname)

    def tell(self, machine_id: str, life: Life | None) -> None:
        """Of a machine as it is now, None when it is forgotten."""
        if life is None or life.state is MachineState.DESTROYED:
            self.view.drop(machine_id)
            return
        leaving = machine_id in self._draining and life.state is MachineState.STARTED
        waits = leaving and self._draining[machine_id] is None
        row = Row(
            id=life.id,
            app=life.app,
            region=life.region,
            state=MachineState.STOPPING if waits else life.state,
            version=life.version,
            services=life.config.services,
            cordoned=life.cordoned,
            healthy=life.health.healthy,
            draining=leaving and not waits,
            asked=life.state is MachineState.STOPPED and asked_to_stop(life),
        )
        self.view.put(row)

    def _tell_of_machine(self, machine_id: str) -> None:
        self.tell(machine_id, self._fleet.find(machine_id))
