"""Who may import whom: the walls between the layers, read from every import of every module, lazy ones included."""

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support import ROOT

LIB = ROOT / "lib" / "flylab"
APP = ROOT / "app"

ANYTHING = frozenset({"*"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Wall:
    """What one layer may import: layers of ours (itself and errors always), and packages of others."""

    ours: frozenset[str] = frozenset()
    others: frozenset[str] = frozenset()
    no_stdlib: frozenset[str] = frozenset()


# Rules decide from values alone: no clock, no files, no processes, no sockets, no environment.
IMPURE = frozenset(
    "asyncio concurrent ctypes fcntl glob http importlib io logging mmap multiprocessing os pathlib queue resource "
    "sched secrets select selectors shutil signal socket socketserver sqlite3 ssl subprocess sys tempfile threading "
    "time urllib uuid".split()
)
# Wire only reads and writes values, but may use whatever does that (urllib.parse, for one).
PERFORMING = frozenset(
    "asyncio concurrent multiprocessing select selectors socket sqlite3 subprocess threading".split()
)

SERVERS = frozenset({"quart", "uvicorn", "uvloop", "werkzeug", "websockets", "hypercorn"})

WALLS = {
    "__init__": Wall(),
    "__main__": Wall(ours=ANYTHING),
    "errors": Wall(),
    "clock": Wall(),
    "ids": Wall(),
    "wire": Wall(no_stdlib=PERFORMING),
    "published": Wall(),
    "costs": Wall(ours=frozenset({"published"}), no_stdlib=IMPURE),
    "rules": Wall(ours=frozenset({"wire"}), no_stdlib=IMPURE),
    "sim": Wall(ours=frozenset({"rules", "wire", "published", "ids", "costs"}), no_stdlib=IMPURE),
    "client": Wall(ours=frozenset({"wire", "clock"}), others=frozenset({"httpx"})),
    "measure": Wall(ours=frozenset({"wire", "clock"}), others=frozenset({"httpx", "httptools", "uvloop", "arro3"})),
    "local": Wall(
        ours=frozenset({"rules", "wire", "clock", "ids", "published"}),
        others=SERVERS | {"dns", "cryptography", "h2", "hpack", "prometheus_client"},
    ),
    "kit": Wall(ours=ANYTHING, others=ANYTHING),
    "app": Wall(
        ours=frozenset({"wire", "client", "published"}),
        others=SERVERS | {"msgspec", "obstore", "itsdangerous", "httptools", "prometheus_client", "rcssmin", "rjsmin"},
    ),
}
# Started without site-packages, so that they are there in milliseconds; besides Python they know only each other.
ALONE = {
    f"local.{name}": Wall()
    for name in "supervisor becoming descendants execution output limits bursts confinement".split()
}


def module_name(path: Path) -> str:
    """``lib/flylab/rules/life.py`` → ``flylab.rules.life``; ``app/room.py`` → ``app.room``."""
    base = LIB.parent if path.is_relative_to(LIB) else ROOT
    return ".".join(path.relative_to(base).with_suffix("").parts)


def layer_of(module: str) -> str:
    """``flylab.rules.life`` → ``rules``; ``app.room`` → ``app``; ``flylab`` itself → ``__init__``."""
    first, *rest = module.split(".")
    if first != "flylab":
        return first
    return rest[0] if rest and not rest[0].startswith("__version") else "__init__"


def imports(module: str, source: str) -> Iterator[str]:
    """Every module that ``source`` imports anywhere, relative names resolved against ``module``."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module=name, names=names, level=level):
                package = module.split(".")[:-level] if level else []
                base = ".".join([*package, *([name] if name else [])])
                # `from flylab import wire` names a layer only with what is imported from it.
                yield from (f"{base}.{alias.name}" if base == "flylab" else base for alias in names)
            case ast.Call(func=ast.Name(id="__import__")) | ast.Call(func=ast.Attribute(attr="import_module")):
                if node.args and isinstance(node.args[0], ast.Constant):
                    yield str(node.args[0].value)


def trespasses(module: str, source: str) -> list[str]:
    """One sentence for each import of ``source`` that its layer forbids."""
    layer = layer_of(module)
    wall = ALONE.get(module.removeprefix("flylab."), WALLS.get(layer))
    if wall is None:
        return [f"{module} belongs to no layer of the table"]
    alone = module.removeprefix("flylab.") in ALONE
    found = []
    for name in imports(module, source):
        top = name.split(".")[0]
        if top in ("flylab", "app"):
            target = layer_of(name)
            allowed = not alone and (target in {layer, "errors", "__init__"} or target in wall.ours)
            allowed = allowed or (not alone and wall.ours == ANYTHING)
            allowed = allowed or (alone and name.removeprefix("flylab.") in ALONE)
        elif top in sys.stdlib_module_names:
            allowed = top not in wall.no_stdlib
        else:
            allowed = top in wall.others or wall.others == ANYTHING
        if not allowed:
            found.append(f"{module} may not import {name}")
    return found


def impurities(module: str, source: str) -> list[str]:
    """One sentence for each use of the interpreter's own chance or files in ``source``."""
    found = []
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Attribute(value=ast.Name(id="random"), attr=attr) if attr != "Random":
                found.append(f"{module} uses random.{attr}: take a random.Random instead")
            case ast.ImportFrom(module="random", names=names) if any(alias.name != "Random" for alias in names):
                found.append(f"{module} imports from random: take a random.Random instead")
            case ast.Attribute(attr=attr) if attr in ("now", "utcnow", "today") and "datetime" in ast.unparse(node):
                found.append(f"{module} reads the clock through {ast.unparse(node)}")
            case ast.Call(func=ast.Name(id=("open" | "input" | "print") as name)):
                found.append(f"{module} calls {name}()")
    return found


MODULES = {module_name(path): path for path in sorted([*LIB.rglob("*.py"), *APP.rglob("*.py")])}


@pytest.mark.parametrize("module", MODULES)
def test_module_stays_within_its_layer(module):
    assert trespasses(module, MODULES[module].read_text()) == []


@pytest.mark.parametrize("module", [name for name in MODULES if layer_of(name) in ("rules", "wire")])
def test_rules_and_wire_use_no_chance_clock_or_file_of_their_own(module):
    assert impurities(module, MODULES[module].read_text()) == []


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("flylab.client.client", "from flylab.local import platform"),
        ("flylab.local.platform", "import flylab.client.client"),
        ("flylab.local.platform", "def late():\n    from flylab.client import Client"),
        ("flylab.local.platform", "from ..client import Client"),
        ("flylab.local.platform", "from flylab import client"),
        ("flylab.local.platform", "if TYPE_CHECKING:\n    import flylab.kit.site"),
        ("flylab.local.platform", "import importlib\nimportlib.import_module('flylab.kit')"),
        ("flylab.local.platform", "import httpx"),
        ("flylab.local.supervisor", "from flylab import errors"),
        ("flylab.local.supervisor", "import quart"),
        ("flylab.rules.life", "import asyncio"),
        ("flylab.rules.life", "import os.path"),
        ("flylab.rules.life", "from flylab.clock import Clock"),
        ("flylab.wire.machine", "import msgspec"),
        ("flylab.wire.machine", "from flylab.rules import life"),
        ("flylab.errors", "import flylab.wire"),
        ("flylab.unheard", ""),
        ("app.room", "import flylab.local"),
        ("app.room", "import plotly"),
    ],
)
def test_forbidden_import_is_found(module, source):
    assert trespasses(module, source)


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("flylab.rules.life", "import random\nfrom ..wire import machine\nfrom flylab.errors import RuleError"),
        ("flylab.rules.life", "from . import fleet\nfrom .fleet import Fleet"),
        ("flylab.client.__init__", "from .client import Client\nfrom flylab import __version__"),
        ("flylab.kit.site", "import flylab.local.server, flylab.client, plotly"),
        ("app.room", "from app.journal import Journal\nfrom flylab.wire.machine import Machine"),
    ],
)
def test_allowed_import_is_not_found(module, source):
    assert trespasses(module, source) == []


@pytest.mark.parametrize(
    "source",
    ["random.choice(x)", "from random import choice", "open('x')", "datetime.now()", "datetime.datetime.utcnow()"],
)
def test_impurity_is_found(source):
    assert impurities("flylab.rules.life", source)
