"""The services and checks of a ``fly.toml`` (reference/configuration), as the Machines API writes them."""

from dataclasses import replace

from flylab.errors import ParseError
from flylab.wire.duration import format_duration, parse_duration
from flylab.wire.fields import Fields, Json, without_empty
from flylab.wire.replay_cache import read_rules
from flylab.wire.services import Port, Service
from flylab.wire.tables import Grouped, expect_no_more, read_tables


def read_http_service(f: Fields) -> Grouped[Service]:
    """``[http_service]`` stands for a service with ports 80 and 443."""
    http, tls = {"http_options": f.mapping("http_options")}, {"tls_options": f.mapping("tls_options")}
    read_rules(http["http_options"], f.path("http_options"))
    ports = (
        Port(port=80, handlers=("http",), force_https=f.flag("force_https"), extra=without_empty(**http)),
        Port(port=443, handlers=("http", "tls"), extra=without_empty(**http, **tls)),
    )
    return _service(f, ports=ports, protocol="tcp", checks=read_tables(f, "checks", read_http_check))


def read_service(f: Fields) -> Grouped[Service]:
    """``[[services]]``, which names its ports itself."""
    protocol = f.text("protocol", "tcp")
    if protocol not in ("tcp", "udp"):
        raise ParseError(f.path("protocol"), protocol, "tcp or udp is expected")
    checks = (*read_tables(f, "tcp_checks", read_tcp_check), *read_tables(f, "http_checks", read_http_check))
    return _service(f, ports=f.items("ports", Port.from_json), protocol=protocol, checks=checks)


def read_check(value: object, where: str) -> Json:
    """``[checks.<name>]``: of one of the two kinds, with a port of its own."""
    f = Fields(value, where)
    kind, port, meaning = f.text("type"), f.integer("port", -1), f.maybe_text("kind")
    if kind not in ("tcp", "http"):
        raise ParseError(f.path("type"), kind, "tcp or http is expected")
    if not 0 < port < 65536:
        raise ParseError(f.path("port"), port, "a port between 1 and 65535 is expected")
    check = read_http_check(f) if kind == "http" else read_tcp_check(f)
    expect_no_more(f)
    return {**check, "port": port, **without_empty(kind=meaning)}


def read_tcp_check(f: Fields) -> Json:
    return {"type": "tcp", **_times(f)}


def read_http_check(f: Fields) -> Json:
    headers = [{"name": name, "values": [value]} for name, value in f.text_map("headers").items()]
    return {
        "type": "http",
        **_times(f),
        "method": f.text("method", "get"),
        "path": f.text("path", "/"),
        "protocol": f.text("protocol", "http"),
        **without_empty(
            headers=headers, tls_server_name=f.maybe_text("tls_server_name"), tls_skip_verify=f.flag("tls_skip_verify")
        ),
    }


def _service(f: Fields, *, ports: tuple[Port, ...], protocol: str, checks: tuple[Json, ...]) -> Grouped[Service]:
    f.take("machine_checks")  # run by flyctl in machines of their own while it deploys
    groups = f.texts("processes")
    service = Service.from_json(
        {
            "internal_port": f.integer("internal_port", 8080),
            # True and off when unset, both said aloud, unlike in the API (reference/configuration).
            "autostart": f.flag("auto_start_machines", default=True),
            "autostop": _or_off(f.take("auto_stop_machines")),
            "min_machines_running": f.integer("min_machines_running"),
            "concurrency": f.take("concurrency"),
        },
        f.where,
    )
    if service.autostop != "off" and not service.autostart:
        raise ParseError(f.path("auto_start_machines"), False, "what auto_stop_machines stops would never start again")
    return Grouped(groups, replace(service, ports=ports, protocol=protocol, checks=checks))


def _or_off(said: object) -> object:
    return "off" if said is None else said


def _times(f: Fields) -> Json:
    times: Json = {}
    for key in ("grace_period", "interval", "timeout"):
        value = f.take(key)
        if value is not None:
            # A number without a unit is milliseconds here, and nanoseconds in the API.
            text = f"{value}ms" if isinstance(value, int) else value
            times[key] = format_duration(parse_duration(text, f.path(key)))
    return times
