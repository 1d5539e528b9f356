"""The machines of the Machines API: create, look at, change, start, stop, destroy (machines/api/machines-resource)."""

from collections.abc import Callable
from dataclasses import replace

from quart import Quart, Response, request

from flylab import ids
from flylab.errors import RuleError
from flylab.local.api_leases import admitted, wish
from flylab.local.api_requests import Control, answer, answer_text, count, flag, read_body
from flylab.local.api_volumes import settle
from flylab.local.platform import Platform
from flylab.rules import lifecycle as on
from flylab.rules.admission import Asked, admit, parse_signal
from flylab.rules.life import Life
from flylab.rules.orders import Cordon, CreateMachine, Happened, Leased
from flylab.rules.paging import Place, after
from flylab.rules.volume_regions import beside_volume
from flylab.wire.duration import parse_wait
from flylab.wire.fields import Json
from flylab.wire.machine import Machine, MachineState, parse_state
from flylab.wire.signals import SIGNALS

_MACHINE = "/v1/apps/<app_name>/machines/<machine_id>"
_OK = {"ok": True}


def register(api: Quart, control: Control) -> None:
    """Add the routes; an endpoint bears the operation id of the official document."""
    platform, secrets = control.platform, control.platform.fleet.belongings.secrets

    async def happen(app_name: str, machine_id: str, what: on.Happening) -> Life:
        life = control.life(app_name, machine_id)
        await admitted(platform, life.id)
        platform.apply(Happened(life.id, what))
        return life

    def perform(what: CreateMachine | Happened, machine_id: str, ttl: int) -> Json:
        """Make or change a machine; returns it, with the nonce of the lease that was asked for together with it."""
        platform.apply(Leased(what, wish(platform, machine_id, ttl)) if ttl else what)
        life = platform.fleet.find(machine_id)
        assert life is not None
        lease = platform.fleet.leases.held(machine_id, platform.clock.wall()) if ttl else None
        return replace(life.machine(), nonce=lease.nonce if lease else "").to_json()

    def show(life: Life) -> Machine:
        """As it is, with its lease when the query asks for leases."""
        held = platform.fleet.leases.held(life.id, platform.clock.wall()) if flag("include_leases") else None
        return replace(life.machine(), lease=held)

    @api.get("/v1/apps/<app_name>/machines", endpoint="Machines_list")
    async def list_machines(app_name: str) -> Response:
        platform.fleet.app(app_name)
        wanted = listed(platform)
        found = [life for life in platform.fleet.machines(app_name) if wanted(life)]
        part, cursor = found, ""
        if request.args.get("limit"):
            limit, cursor = count("limit", 1000, 1000), request.args.get("cursor", "")
            part, cursor = after(found, _place, limit=limit, cursor=cursor, now=platform.clock.wall())
        more = {"fly-next-cursor": cursor} if cursor else None
        if flag("summary"):
            return answer([_summary(life) for life in part], headers=more)
        if flag("include_leases"):
            return answer([show(life).to_json() for life in part], headers=more)
        return answer_text(platform.rendered.texts(list(part)), headers=more)

    @api.post("/v1/apps/<app_name>/machines", endpoint="Machines_create")
    async def create_machine(app_name: str) -> Response:
        platform.fleet.app(app_name)
        asked = admit((await read_body()).rest(), control.catalogue)
        _check_ttl(platform, asked)
        secrets.require(app_name, asked.min_secrets_version, "min_secrets_version")
        places = beside_volume(asked.region, control.catalogue, platform.fleet.volumes, app_name, asked.config)
        region = control.gate.region(asked.region, places, app_name)
        await settle(control, app_name, region, asked.config)
        machine_id, now = ids.machine_id(platform.rng), platform.clock.wall()
        names = {life.name for life in platform.fleet.machines(app_name)} if not asked.name else ()
        event = CreateMachine(
            id=machine_id,
            app=app_name,
            name=asked.name or ids.machine_name(platform.rng, taken=names),
            region=region,
            config=asked.config,
            version=platform.mint(now),
            image_ref=control.images[asked.config.image].reference(),
            launch=asked.launch,
            cordoned=asked.cordoned,
            skip_secrets=asked.skip_secrets,
        )
        return answer(perform(event, machine_id, asked.lease_ttl))

    @api.get(_MACHINE, endpoint="Machines_show")
    async def show_machine(app_name: str, machine_id: str) -> Response:
        machine = show(control.life(app_name, machine_id))
        version = request.args.get("version", machine.version)
        if version != machine.version:
            configs = dict(control.life(app_name, machine_id).versions)
            if version not in configs:
                raise RuleError("not_found", f"version {version} of machine {machine_id} not found")
            machine = replace(machine, instance_id=version, config=configs[version], state=MachineState.REPLACED)
        return answer(machine.to_json())

    @api.post(_MACHINE, endpoint="Machines_update")
    async def update_machine(app_name: str, machine_id: str) -> Response:
        asked = admit((await read_body()).rest(), control.catalogue)
        _check_ttl(platform, asked)
        life = control.life(app_name, machine_id)
        await admitted(platform, life.id)
        _unchangeable(asked, life)
        secrets.require(app_name, asked.min_secrets_version, "min_secrets_version")
        image_ref = control.images[asked.config.image].reference()
        version = platform.mint(platform.clock.wall())
        update = on.Update(asked.config, version, image_ref, skip_secrets=asked.skip_secrets, launch=asked.launch)
        return answer(perform(Happened(life.id, update), life.id, asked.lease_ttl))

    @api.delete(_MACHINE, endpoint="Machines_delete")
    async def destroy_machine(app_name: str, machine_id: str) -> Response:
        forced = flag("force") or flag("kill")
        await happen(app_name, machine_id, on.ForceDestroy() if forced else on.Destroy())
        return answer(_OK)

    @api.post(f"{_MACHINE}/start", endpoint="Machines_start")
    async def start_machine(app_name: str, machine_id: str) -> Response:
        previous = str(control.life(app_name, machine_id).state)
        await happen(app_name, machine_id, on.Start())
        return answer({"previous_state": previous, "migrated": False, "new_host": ""})

    @api.post(f"{_MACHINE}/stop", endpoint="Machines_stop")
    async def stop_machine(app_name: str, machine_id: str) -> Response:
        f = await read_body()
        signal, timeout = f.take("signal"), f.take("timeout")
        await happen(app_name, machine_id, on.Stop(_signal(signal), _seconds(timeout)))
        return answer(_OK)

    @api.post(f"{_MACHINE}/restart", endpoint="Machines_restart")
    async def restart_machine(app_name: str, machine_id: str) -> Response:
        text = request.args.get("timeout", "")
        timeout: object = f"{text}s" if text.isdecimal() else text  # seconds, or Go's notation
        signal = "SIGKILL" if flag("force_stop") else _signal(request.args.get("signal"))
        await happen(app_name, machine_id, on.Restart(signal, _seconds(timeout)))
        return answer(_OK)

    @api.post(f"{_MACHINE}/suspend", endpoint="Machines_suspend")
    async def suspend_machine(app_name: str, machine_id: str) -> Response:
        await happen(app_name, machine_id, on.Suspend())
        return answer(_OK)

    @api.post(f"{_MACHINE}/signal", endpoint="Machines_signal")
    async def signal_machine(app_name: str, machine_id: str) -> Response:
        signal = parse_signal((await read_body()).take("signal"), SIGNALS)
        life = control.life(app_name, machine_id)
        if life.state is not MachineState.STARTED:
            raise RuleError("not_running", f"the machine is {life.state}, not running")
        platform.driver.send(life.id, signal)
        return answer(_OK)

    @api.post(f"{_MACHINE}/cordon", endpoint="Machines_cordon")
    async def cordon_machine(app_name: str, machine_id: str) -> Response:
        platform.apply(Cordon(control.life(app_name, machine_id).id, True))
        return answer(_OK)

    @api.post(f"{_MACHINE}/uncordon", endpoint="Machines_uncordon")
    async def uncordon_machine(app_name: str, machine_id: str) -> Response:
        platform.apply(Cordon(control.life(app_name, machine_id).id, False))
        return answer(_OK)


def _place(life: Life) -> Place:
    return life.created_at, life.id


def listed(platform: Platform) -> Callable[[Life], bool]:
    """What the query of a list request lets through."""
    args = request.args
    deleted, region = flag("include_deleted"), args.get("region", "")
    states = {parse_state(word.strip()) for word in args.get("state", "").split(",") if word.strip()}
    metadata = {key.removeprefix("metadata."): value for key, value in args.items() if key.startswith("metadata.")}

    now = platform.clock.wall()

    def lets_through(life: Life) -> bool:
        return (
            (deleted or life.state is not MachineState.DESTROYED)
            and not platform.fleet.is_forgotten(life, now)
            and region in ("", life.region)
            and (not states or life.state in states)
            and all(life.config.metadata.get(key) == value for key, value in metadata.items())
        )

    return lets_through


def _summary(life: Life) -> Json:
    left_out = ("config", "events", "checks", "host_status")
    return {key: value for key, value in life.machine().to_json().items() if key not in left_out}


def _check_ttl(platform: Platform, asked: Asked) -> None:
    if asked.lease_ttl:  # before anything is made
        platform.fleet.leases.check_ttl(asked.lease_ttl, "lease_ttl")


def _unchangeable(asked: Asked, life: Life) -> None:
    if asked.region not in ("", life.region):
        raise RuleError("invalid_argument", f"the region of a machine cannot change, it is {life.region}")
    if asked.name not in ("", life.name):
        raise RuleError("invalid_argument", f"the name of a machine cannot change, it is {life.name}")
    if asked.current_version not in ("", life.version):
        text = f"current_version {asked.current_version} is not current, that is {life.version}"
        raise RuleError("version_mismatch", text)


def _signal(value: object) -> str | None:
    return None if value in (None, "") else parse_signal(value, SIGNALS)


def _seconds(value: object) -> float | None:
    return None if value in (None, "", 0) else parse_wait(value, "timeout")
