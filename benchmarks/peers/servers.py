"""The peers as `roomload.peer.Peer`, and how each is installed: into build/peers/, never as a part of the project."""

import fcntl
import shutil
import subprocess
import sys
from importlib.metadata import version
from importlib.util import find_spec
from json import loads
from pathlib import Path

from roomload.loads import LOADS
from roomload.peer import ROOT, Peer

from flylab.local.descendants import die_with_parent

SOURCES = Path(__file__).parent / "servers"
BUILT = ROOT / "build" / "peers"
OLDEST_NODE = 18
INSTALLING = 180.0  # seconds

# Who sends one message for each member and cursor would have 200,000 and 3,200,000 a second to send here, several times
# what it can: how many members such a server does take, the rising load tells.
_BOUNDED = (frozenset(LOADS) | {"cold"}) - {"cursors100", "cursors400"}
_STORAGE = "--directory-path=storage={folder}"
_NPM = "npm install --ignore-scripts --no-package-lock --no-audit --no-fund".split()
_UVICORN = "-m uvicorn naive:app --host 127.0.0.1 --port {port} --log-level critical --app-dir".split()


def _on_node(name: str, allowed: frozenset[str] | None) -> Peer:
    command = ("node", str(BUILT / name / "server.js"), "{port}")
    return Peer(name, name, command, env={"NODE_ENV": "production"}, loads=allowed)


PEERS = {
    peer.name: peer
    for peer in (
        _on_node("ws", _BOUNDED),
        _on_node("socketio", _BOUNDED),
        _on_node("colyseus", None),
        Peer(
            "workerd",
            "workerd",
            # By a link that `prepare` lays: the package's own script would only start it, at the price of a Node.
            (str(BUILT / "workerd" / "workerd"), "serve", str(BUILT / "workerd" / "rooms.capnp"),
             "--socket-addr=http=127.0.0.1:{port}", _STORAGE),
            loads=_BOUNDED,
        ),
        Peer(
            "deno",
            "deno",
            # The binary alone, as with workerd. It may listen, asks nobody and keeps what it compiles beside itself.
            (str(BUILT / "deno" / "deno"), "run", "--quiet", "--no-prompt", "--no-remote", "--no-lock", "--no-config",
             "--allow-net=127.0.0.1", str(BUILT / "deno" / "server.js"), "{port}"),
            env={"DENO_DIR": str(BUILT / "deno" / "cache"), "DENO_NO_UPDATE_CHECK": "1"},
            loads=_BOUNDED,
        ),
        Peer("quart", "quart", (sys.executable, *_UVICORN, str(SOURCES / "quart")), loads=_BOUNDED),
    )
}  # fmt: skip

TITLES = {
    "ws": "ws on Node, naive",
    "socketio": "Socket.IO",
    "colyseus": "Colyseus (chat by broadcast, cursors as state every 50 ms)",
    "workerd": "Durable Object on workerd (every message stored)",
    "deno": "Deno, naive",
    "quart": "Quart + uvicorn, naive",
}
_PACKAGES = {"ws": "ws", "socketio": "socket.io", "colyseus": "@colyseus/core", "workerd": "workerd", "deno": "deno"}
# Programs of their own: where npm puts the one for this kind of machine.
_BINARIES = {"workerd": "@cloudflare/workerd-*/bin/workerd", "deno": "@deno/*/deno"}


def prepare(name: str) -> str:
    """Install what it needs, unless it is there; "" when it can be started, else a sentence that says why not."""
    why = _missing(name)
    return f"{TITLES[name]} is left out: {why}." if why else ""


def versions(name: str) -> str:
    """What is compared, as ``ws 8.23.0, Node 20.20.2``. It needs `prepare` once before."""
    if name == "quart":
        return f"Quart {version('quart')}, uvicorn {version('uvicorn')}, Python {sys.version.split()[0]}"
    package = _PACKAGES[name]
    installed = loads((BUILT / name / "node_modules" / package / "package.json").read_text())
    return f"{package} {installed['version']}" + ("" if name in _BINARIES else f", Node {_node()}")


def _missing(name: str) -> str:
    if name == "quart":
        return next((f"this Python has no {module}" for module in (name, "uvicorn") if find_spec(module) is None), "")
    for tool in ("npm", "node"):
        if shutil.which(tool) is None:
            return f"there is no {tool} on this machine"
    if int(_node().split(".")[0]) < OLDEST_NODE:
        return f"it needs Node {OLDEST_NODE} or newer, and this is {_node()}"
    BUILT.mkdir(parents=True, exist_ok=True)
    with open(BUILT / f"{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return install(SOURCES / name, BUILT / name) or (_link(name) if name in _BINARIES else "")


def install(source: Path, target: Path) -> str:
    """Bring ``target`` up to date; why it could not be done, or nothing."""
    target.mkdir(exist_ok=True)
    for file in source.iterdir():
        if file.is_file():
            shutil.copyfile(file, target / file.name)
    ready, wanted = target / "ready", (source / "package.json").read_text()
    if ready.is_file() and ready.read_text() == wanted:
        return ""
    ready.unlink(missing_ok=True)
    try:
        done = subprocess.run(
            [*_NPM, "--prefix", target],
            check=False,
            cwd=target,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=INSTALLING,
            preexec_fn=die_with_parent,
        )
    except subprocess.TimeoutExpired:
        return f"npm did not install it within {INSTALLING:.0f} seconds"
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.startswith("npm error")]
        return f"npm could not install it ({'; '.join(said[:2]) or done.returncode})"
    ready.write_text(wanted)
    return ""


def _link(name: str) -> str:
    """Make build/peers/workerd/workerd, for one, the binary that came for this kind of machine."""
    link = BUILT / name / name
    found = next((BUILT / name / "node_modules").glob(_BINARIES[name]), None)
    if found is None:
        return f"there is no {name} for this kind of machine"
    if not link.is_file():
        link.unlink(missing_ok=True)
        link.symlink_to(found)
    try:
        subprocess.run([link, "--version"], capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return f"its {name} does not run on this machine"
    return ""


def _node() -> str:
    return subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout.strip().lstrip("v")
