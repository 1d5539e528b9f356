"""fly.toml to machine configurations: our own file, each default and each section, and what is wrong said clearly."""

from pathlib import Path

import pytest

from flylab.errors import ParseError
from flylab.wire.config import File, Guest, Init, MachineConfig, Restart, StopConfig
from flylab.wire.flytoml import parse_flytoml, read_flytoml
from flylab.wire.services import Concurrency, Port, Service

ROOT = Path(__file__).parents[2]


def config(text: str, group: str = "") -> MachineConfig:
    return parse_flytoml(text).machine_config("image", group=group)


def test_our_own_file_asks_for_what_a_room_server_needs() -> None:
    toml = read_flytoml(ROOT / "fly.toml")
    ours = toml.machine_config("local/room")
    (service,) = ours.services
    assert (ours.image, service.autostart, service.autostop) == ("local/room", True, "off")
    assert service.concurrency is not None
    assert service.concurrency.type == "connections"
    assert service.concurrency.hard_limit is not None
    assert service.checks[0]["path"] == "/healthz"
    assert ours.stop_config == StopConfig(signal="SIGTERM", timeout=10.0)
    assert MachineConfig.from_json(ours.to_json()) == ours
    assert toml.other["build"] == {"dockerfile": "app/Dockerfile"}


def test_an_empty_file_is_a_small_machine_without_services() -> None:
    assert config("") == MachineConfig(
        image="image", guest=Guest(), metadata={"fly_platform_version": "v2", "fly_process_group": "app"}
    )


def test_an_http_service_has_the_documented_defaults() -> None:
    assert config("[http_service]").services == (
        Service(
            internal_port=8080,
            ports=(Port(port=80, handlers=("http",)), Port(port=443, handlers=("http", "tls"))),
            autostart=True,
            autostop="off",
        ),
    )


def test_an_http_service_with_everything() -> None:
    (service,) = config(
        """
        [http_service]
        internal_port = 9000
        force_https = true
        auto_stop_machines = "suspend"
        min_machines_running = 2
        [http_service.concurrency]
        type = "requests"
        soft_limit = 5
        hard_limit = 9
        [http_service.http_options]
        idle_timeout = 90
        [http_service.tls_options]
        alpn = ["h2"]
        [[http_service.checks]]
        grace_period = "5s"
        interval = 15000
        timeout = "2s"
        path = "/up"
        headers = { Host = "x" }
        tls_skip_verify = true
        [[http_service.machine_checks]]
        image = "checker"
        """
    ).services
    options = {"http_options": {"idle_timeout": 90}}
    assert service.ports == (
        Port(port=80, handlers=("http",), force_https=True, extra=options),
        Port(port=443, handlers=("http", "tls"), extra={**options, "tls_options": {"alpn": ["h2"]}}),
    )
    assert (service.internal_port, service.autostop, service.min_machines_running) == (9000, "suspend", 2)
    assert service.concurrency == Concurrency(type="requests", soft_limit=5, hard_limit=9)
    assert service.checks == (
        {
            "type": "http",
            "grace_period": "5s",
            "interval": "15s",
            "timeout": "2s",
            "method": "get",
            "path": "/up",
            "protocol": "http",
            "headers": [{"name": "Host", "values": ["x"]}],
            "tls_skip_verify": True,
        },
    )


def test_services_name_their_ports_and_their_process_groups() -> None:
    text = """
        [processes]
        web = "serve --port 8080 'two words'"
        worker = "work"
        [[services]]
        internal_port = 53
        protocol = "udp"
        processes = ["worker"]
        ports = [{ port = 53 }]
        [[services]]
        internal_port = 8080
        auto_stop_machines = true
        processes = ["web"]
        ports = [{ port = 80, handlers = ["http"] }]
        tcp_checks = [{ interval = "15s" }]
        http_checks = [{ path = "/" }]
        [[vm]]
        size = "performance-2x"
        processes = ["worker"]
        [[vm]]
        memory = "1gb"
        cpus = 2
        cpu_kind = "shared"
        processes = ["web"]
        [[restart]]
        policy = "never"
        processes = ["worker"]
    """
    web, worker = config(text), config(text, "worker")
    assert [service.internal_port for service in web.services] == [8080]
    assert [check["type"] for check in web.services[0].checks] == ["tcp", "http"]
    assert (web.services[0].autostop, web.restart) == ("stop", None)
    assert web.init == Init(cmd=("serve", "--port", "8080", "two words"))
    assert web.guest == Guest(cpu_kind="shared", cpus=2, memory_mb=1024)
    assert [service.protocol for service in worker.services] == ["udp"]
    assert (worker.guest, worker.restart) == (
        Guest(cpu_kind="performance", cpus=2, memory_mb=4096),
        Restart(policy="no"),
    )
    assert worker.metadata["fly_process_group"] == "worker"


def test_the_other_sections() -> None:
    whole = config(
        """
        primary_region = "ams"
        kill_timeout = 30
        swap_size_mb = 512
        [env]
        NAME = "value"
        PRIMARY_REGION = "beaten"
        [experimental]
        exec = ["run"]
        [restart]
        policy = "always"
        retries = 3
        [vm]
        memory = 512
        kernel_args = ["quiet"]
        [[files]]
        guest_path = "/a"
        raw_value = "text"
        [[files]]
        guest_path = "/b"
        secret_name = "SECRET"
        [checks.up]
        type = "http"
        port = 8080
        interval = "10s"
        kind = "readiness"
        [checks.open]
        type = "tcp"
        port = 8080
        [[metrics]]
        port = 9091
        path = "/metrics"
        """
    )
    assert whole.env == {"NAME": "value", "PRIMARY_REGION": "ams"}
    assert whole.stop_config == StopConfig(timeout=30.0)
    assert whole.init == Init(exec=("run",), extra={"swap_size_mb": 512})
    assert whole.restart == Restart(policy="always", max_retries=3)
    assert whole.guest == Guest(memory_mb=512, extra={"kernel_args": ["quiet"]})
    assert whole.files == (
        File(guest_path="/a", raw_value="dGV4dA=="),
        File(guest_path="/b", extra={"secret_name": "SECRET"}),
    )
    assert whole.checks["up"] == {
        "type": "http", "interval": "10s", "method": "get", "path": "/", "protocol": "http", "port": 8080,
        "kind": "readiness",
    }  # fmt: skip
    assert whole.checks["open"] == {"type": "tcp", "port": 8080}
    assert whole.extra == {"metrics": [{"port": 9091, "path": "/metrics"}]}
    assert config("swap_size_mb = 512").init == Init(extra={"swap_size_mb": 512})
    assert config('kill_timeout = "1m"\nkill_signal = "SIGTERM"').stop_config == StopConfig(
        signal="SIGTERM", timeout=60.0
    )
    assert config('kill_signal = "SIGTERM"').stop_config == StopConfig(signal="SIGTERM")


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("not toml", "cannot read fly.toml 'not toml'"),
        ("ap = 'x'", "cannot read ap 'x': there is no such key"),
        ("app = 3", "cannot read app 3: a text is expected"),
        ("[http_service]\ninternal_prt = 1", "cannot read http_service.internal_prt 1: there is no such key"),
        ("[http_service]\ninternal_port = 0", "http_service.internal_port 0: a port between 1 and 65535"),
        ("[http_service]\nauto_stop_machines = 'on'", "http_service.autostop 'on': off, stop or suspend"),
        (
            "[http_service]\nauto_stop_machines = 'stop'\nauto_start_machines = false",
            "cannot read http_service.auto_start_machines False: what auto_stop_machines stops would never start again",
        ),
        ("[[http_service.checks]]\ninterval = 'soon'", "cannot read http_service.checks.interval 'soon'"),
        ("[[http_service.checks]]\npth = '/'", "cannot read http_service.checks.pth '/': there is no such key"),
        ("[[services]]\nprotocol = 'http'", "cannot read services.protocol 'http': tcp or udp is expected"),
        ("[env]\nFLY_REGION = 'ams'", "cannot read env.FLY_REGION 'ams': names that begin with FLY_ are Fly's own"),
        ("[vm]\nsize = 'huge'", "cannot read vm.size 'huge': the sizes are shared-cpu-1x"),
        ("[vm]\nmemory = 'much'", "cannot read vm.memory 'much'"),
        ("[vm]\nmemory = 0", "cannot read vm.memory 0"),
        ("[restart]\npolicy = 'no'", "cannot read restart.policy 'no': always, never or on-failure is expected"),
        ("[[files]]\nguest_path = '/a'\nlocal_path = 'b'", "cannot read files.local_path 'b'"),
        ("[checks.up]\ntype = 'udp'\nport = 1", "cannot read checks.up.type 'udp': tcp or http is expected"),
        ("[checks.up]\ntype = 'tcp'", "cannot read checks.up.port -1: a port between 1 and 65535"),
        ("[checks.up]\ntype = 'tcp'\nport = 1\npath = '/'", "cannot read checks.up.path '/': there is no such key"),
        ("kill_timeout = 301", "cannot read kill_timeout 301: at most 300 seconds"),
        ("vm = 3", "cannot read vm 3: an object is expected"),
    ],
)
def test_what_is_wrong_is_named(text: str, error: str) -> None:
    with pytest.raises(ParseError) as refused:
        parse_flytoml(text)
    assert error in str(refused.value)


def test_a_group_that_does_not_exist_is_named_with_those_that_do() -> None:
    with pytest.raises(ParseError, match=r"cannot read process group 'db': fly\.toml has app"):
        config("", "db")


def test_a_file_that_is_absent_is_named(tmp_path: Path) -> None:
    with pytest.raises(ParseError, match=r"cannot read fly\.toml '.*none\.toml': No such file or directory"):
        read_flytoml(tmp_path / "none.toml")
