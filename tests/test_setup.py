"""A clone sets itself up: its files agree, what goes wrong is said in a sentence, and nothing is done twice."""

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from tests.support import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
PINS = [
    Requirement(line)
    for line in (ROOT / "constraints.txt").read_text().splitlines()
    if line and not line.lstrip().startswith("#")
]
LARGEST = 1_000_000  # bytes; larger data is fetched or made, not kept (our choice)
INSTALLED = ROOT / ".venv" / "ready"


def direct() -> Iterator[Requirement]:
    """Every package that pyproject.toml names; extras of our own that only gather others are left out."""
    for line in [*PROJECT["dependencies"], *(line for lines in EXTRAS.values() for line in lines)]:
        if (wanted := Requirement(line)).name != "flylab":
            yield wanted


def tracked() -> list[Path]:
    """Every file in the repository."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def run(*command: str, cwd: Path = ROOT, **env: str) -> subprocess.CompletedProcess[str]:
    """Run a command of ours with an environment that holds only what is given."""
    full = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), **env}
    return subprocess.run(command, cwd=cwd, env=full, capture_output=True, text=True, timeout=60, check=False)


# What the files say


def test_conda_users_get_what_pip_users_get():
    env = yaml.safe_load((ROOT / "environment.yml").read_text())
    conda = [entry for entry in env["dependencies"] if isinstance(entry, str)]
    pip = [line for entry in env["dependencies"] if isinstance(entry, dict) for line in entry["pip"]]
    assert env["channels"] == ["conda-forge", "nodefaults"]
    assert {re.split(r"[ =<>]", entry)[0] for entry in conda} == {"python", "pip"}
    assert pip == ["-c constraints.txt", "-e .[all]"]
    (python,) = [entry.partition("=")[2] for entry in conda if entry.startswith("python")]
    assert SpecifierSet(PROJECT["requires-python"]).contains(python)


@pytest.mark.parametrize("wanted", list(direct()), ids=str)
def test_range_admits_its_pin_and_has_an_upper_bound(wanted):
    pins = [pin for pin in PINS if canonicalize_name(pin.name) == canonicalize_name(wanted.name)]
    assert pins, f"{wanted.name} is not pinned: make lock"
    for pin in pins:
        (version,) = pin.specifier
        assert version.operator == "=="
        assert wanted.specifier.contains(version.version), f"{pin} is outside {wanted}"
    assert any(bound.operator == "<" for bound in wanted.specifier), f"{wanted} has no upper bound"


def test_lock_names_no_place():
    text = (ROOT / "constraints.txt").read_text()
    assert "://" not in text
    assert not re.search(r"^\s*(-|.* @ )", text, re.MULTILINE)


def test_every_dependency_has_its_reason():
    text = (ROOT / "docs" / "dependencies.md").read_text()
    rows = re.findall(r"^\| ([a-z][\w-]+) \| (\w+) \| .+ \|$", text, re.MULTILINE)
    declared = [(Requirement(line).name, "base") for line in PROJECT["dependencies"]]
    declared += [(Requirement(line).name, extra) for extra, lines in EXTRAS.items() for line in lines]
    assert sorted(row for row in rows if row[0] != "package") == sorted(row for row in declared if row[0] != "flylab")


def test_all_is_every_extra():
    def names(extra):
        for line in EXTRAS[extra]:
            wanted = Requirement(line)
            if wanted.name != "flylab":
                continue  # other packages have extras of their own
            yield from (inner for part in wanted.extras for inner in {part, *names(part)}) if wanted.extras else ()

    assert set(names("all")) == set(EXTRAS) - {"all"}


# What lies in the repository


def test_no_file_is_too_large():
    sizes = {str(path.relative_to(ROOT)): path.stat().st_size for path in tracked()}
    assert {name: size for name, size in sizes.items() if size > LARGEST} == {}


def test_no_address_of_a_package_registry_is_kept():
    registry = re.compile(
        rb"files\.pythonhosted|/simple/|registry\.npm|index-url\s*=|find-links\s*=|" + rb"proxy\.internal"
    )
    found = [path for path in tracked() if path != Path(__file__) and registry.search(path.read_bytes())]
    assert found == []


@pytest.mark.parametrize("script", sorted((ROOT / "scripts").iterdir()), ids=lambda path: path.name)
def test_script_is_short_and_can_be_run(script):
    lines = script.read_text().splitlines()
    assert lines[0] == "#!/bin/sh"
    assert lines[1].startswith("# ")
    assert os.access(script, os.X_OK)
    assert len(lines) <= 45
    assert run("sh", "-n", str(script)).returncode == 0


# What is said when something is missing


def fake_python(folder: Path, name: str, version: str) -> Path:
    """A program that answers like a Python of that version (an old one may not be at hand)."""
    program = folder / name
    program.write_text(f"#!/bin/sh\necho '{version}|{program}'\n")
    program.chmod(0o755)
    return program


def test_an_old_python_is_named_with_the_rule(tmp_path):
    old = fake_python(tmp_path, "python3", "3.8.18")
    done = run("scripts/python", PYTHON=str(old))
    assert done.returncode == 1
    assert done.stdout == ""
    assert re.fullmatch(r"flylab needs Python 3\.11 or newer, and found only 3\.8\.18 \(.*python3\): .*\n", done.stderr)


def test_a_newer_python_beside_an_old_one_is_found(tmp_path):
    fake_python(tmp_path, "python3", "3.8.18")
    newer = fake_python(tmp_path, "python3.13", "3.13.0")
    done = run("scripts/python", PATH=f"{tmp_path}:/usr/bin:/bin")
    assert (done.returncode, done.stdout) == (0, f"{newer}\n")


def test_a_named_python_is_taken_and_no_other(tmp_path):
    done = run("scripts/python", PYTHON=str(tmp_path / "none"))
    assert done.returncode == 1
    assert "found no Python that runs" in done.stderr
    assert run("scripts/python", PYTHON=sys.executable).stdout == f"{sys.executable}\n"


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("NewConnectionError: Failed to establish a new connection: Name or service not known", "check the network"),
        ("error: Failed to fetch: dns error", "check the network"),
        ("error: Microsoft Visual C++ is required", "The installation failed."),
    ],
)
def test_a_failed_installation_says_why(tmp_path, said, expected):
    log = tmp_path / "install.log"
    log.write_text(said)
    done = run("scripts/install-failed", str(log))
    assert done.returncode == 1
    assert expected in done.stderr
    assert str(log) in done.stderr


# What is not done twice


def clone(folder: Path, *names: str) -> Path:
    """A folder with the few files that the set-up looks at, and an environment that looks finished."""
    for name in ["pyproject.toml", "constraints.txt", "Makefile", "scripts/install", "scripts/python", *names]:
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((ROOT / name).read_bytes())
        target.chmod(0o755)
    for name in ("lib", "app", ".venv/bin"):
        (folder / name).mkdir(parents=True)
    for name in ("python", "flylab"):
        program = folder / ".venv" / "bin" / name
        program.write_text(f"#!/bin/sh\n[ $1 = -m ] || echo {name} $@\n")
        program.chmod(0o755)
    return folder


def stamp(folder: Path) -> str:
    """What scripts/install writes when it is done, taken from the script itself."""
    lines = (folder / "scripts" / "install").read_text().splitlines()
    (line,) = [line for line in lines if line.startswith("wanted=")]
    return run("sh", "-c", f'here=$(pwd -P); {line}; echo "$wanted"', cwd=folder).stdout.strip()


@pytest.mark.parametrize(("have", "target"), [("demo", "demo"), ("all", "demo"), ("all", "hooks")])
def test_a_finished_environment_is_left_alone(tmp_path, have, target):
    folder = clone(tmp_path)
    (folder / ".venv" / "ready").write_text(f"{have} {stamp(folder)}\n")
    (folder / "scripts" / "hooks").write_text("#!/bin/sh\n")
    (folder / "scripts" / "hooks").chmod(0o755)
    done = run("make", target, cwd=folder, PYTHON="/none")
    assert done.returncode == 0, done.stderr
    assert "Setting up" not in done.stdout


@pytest.mark.parametrize("spoilt", ["no stamp", "other pins", "fewer extras", "moved", "no interpreter"])
def test_an_unfinished_or_outdated_environment_is_not_taken_for_a_finished_one(tmp_path, spoilt):
    folder = clone(tmp_path / "a")
    ready = folder / ".venv" / "ready"
    ready.write_text(f"all {stamp(folder)}\n")
    match spoilt:
        case "no stamp":
            ready.unlink()
        case "other pins":
            (folder / "constraints.txt").write_text("")
        case "fewer extras":
            ready.write_text(f"demo {stamp(folder)}\n")
        case "moved":
            folder = folder.rename(tmp_path / "b")
        case "no interpreter":
            (folder / ".venv" / "bin" / "python").unlink()
    done = run("scripts/install", "all", cwd=folder, PYTHON="/none")
    assert done.returncode == 1
    assert "found no Python that runs" in done.stderr


@pytest.mark.skipif(not INSTALLED.exists(), reason="this environment was not made by scripts/install")
def test_this_very_environment_needs_nothing_more():
    done = run("scripts/install", "all", PYTHON="/none")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
