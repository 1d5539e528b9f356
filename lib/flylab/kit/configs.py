"""What the chapters run inside their machines, written for either target."""

import base64
import os
import sys
from dataclasses import replace
from importlib.resources import files

from flylab.errors import UsageError
from flylab.kit import project
from flylab.wire.flytoml import read_flytoml
from flylab.wire.machine import File, Guest, Init, MachineConfig, Port, Restart, Service

PYTHON_IMAGE = "python:3.12-alpine"  # our choice: the smallest public image that runs the programs of this package
PORTS = (Port(port=80, handlers=("http",)), Port(port=443, handlers=("tls", "http")))


def service(internal_port: int = 8080, *, autostart: bool = True) -> Service:
    """A web service on ports 80 and 443; a stopped machine is started by the first request unless told otherwise."""
    return Service(internal_port=internal_port, ports=PORTS, autostart=autostart)


def sleeper(target: str) -> MachineConfig:
    """A machine that runs until it is stopped and does nothing: for chapters about the life cycle alone."""
    if target == "local":
        return MachineConfig(image="local/sleep", guest=Guest(), restart=Restart(policy="no"))
    return MachineConfig(
        image=PYTHON_IMAGE, guest=Guest(), init=Init(exec=("sleep", "infinity")), restart=Restart(policy="no")
    )


def router(target: str) -> MachineConfig:
    """A machine that asks for whatever replay the request names, see ``programs/router.py``."""
    program = files("flylab.kit").joinpath("programs/router.py")
    if target == "local":
        command = Init(exec=(sys.executable, "-I", "-S", str(program)))
        return MachineConfig(image="local/process", guest=Guest(), init=command, services=(service(),))
    text = base64.b64encode(program.read_bytes()).decode()
    return MachineConfig(
        image=PYTHON_IMAGE,
        guest=Guest(),
        init=Init(exec=("python", "/router.py")),
        files=(File(guest_path="/router.py", raw_value=text),),
        env={"HOST": "0.0.0.0"},  # inside a microVM of Fly the proxy comes from outside
        services=(service(),),
    )


def room_image(target: str) -> str:
    """The room server's image: our own on the local platform; on Fly the pushed one that FLYLAB_IMAGE names."""
    if target == "local":
        return "local/room"
    image = os.environ.get("FLYLAB_IMAGE")
    if not image:
        raise UsageError("target=fly needs the room server's image: push app/Dockerfile and name it in FLYLAB_IMAGE")
    return image


def room(target: str, store_url: str, **env: str) -> MachineConfig:
    """The room server as ``fly.toml`` describes it, with its image and the place of its rooms' records."""
    config = read_flytoml(project.root() / "fly.toml").machine_config(room_image(target))
    return with_env(config, ROOMS_URL=store_url, **env)


def with_env(config: MachineConfig, **env: str) -> MachineConfig:
    """The same machine with other or further environment variables."""
    return replace(config, env={**config.env, **env})
