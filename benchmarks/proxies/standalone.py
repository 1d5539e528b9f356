"""One edge with rows that never change, in a process of its own and on uvloop, as the platform runs it.

python -m proxies.standalone PORT MACHINE_PORT
"""

import asyncio
import socket
import sys
from random import Random

from flylab.clock import SystemClock
from flylab.local.edge import Edge
from flylab.local.latency import Latency
from flylab.published.network import rtt
from flylab.rules.routing import AppRow, Loads, Row, View
from flylab.wire.machine import Concurrency, MachineState, Port, Service


class Fixed:
    """A platform of two machines that are always started; limits are there and never reached."""

    def __init__(self, port: int) -> None:
        self.view, self.loads, self._address = View(), Loads(), ("127.0.0.1", port)
        service = Service(
            internal_port=8080,
            ports=(Port(port=80, handlers=("http",)), Port(port=443, handlers=("tls", "http"))),
            concurrency=Concurrency(type="requests", soft_limit=50_000, hard_limit=60_000),
        )
        for app, machine in (("bench", "origin"), ("other", "target")):
            self.view.put_app(AppRow(name=app, organization="personal"))
            self.view.put(
                Row(id=machine, app=app, region="ams", state=MachineState.STARTED, version="1", services=(service,))
            )

    async def wake(self, machine_id: str) -> None:
        """They are up."""

    def address(self, machine_id: str, internal_port: int) -> tuple[str, int]:
        return self._address


async def serve(port: int, machine_port: int) -> None:
    edge = Edge(
        "ams", Fixed(machine_port), rtt=rtt(), latency=Latency(None), clock=SystemClock(), rng=Random(1),
    )  # fmt: skip
    await edge.serve(socket.create_server(("127.0.0.1", port), backlog=4096))
    await asyncio.Event().wait()


def main() -> None:
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(int(sys.argv[1]), int(sys.argv[2])))


if __name__ == "__main__":
    main()
