"""What the control plane has acknowledged, in SQLite below the state folder, which one platform at a time may use."""

import contextlib
import fcntl
import json
import os
import shutil
import sqlite3
from collections.abc import Collection, Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from flylab.errors import FlylabError, LocalError
from flylab.local.configs import SCHEMA, Configs, Numbered
from flylab.rules.apps import AppEntry
from flylab.rules.life import Life
from flylab.wire.fields import Json
from flylab.wire.machine import Event, MachineConfig, parse_state

FORMAT = "2"  # of the documents below; a folder with another one is refused
_READABLE = ("1", FORMAT)  # the first one has the configurations of machines within the machines
_SCHEMA = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS apps (name TEXT PRIMARY KEY, document TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS machines (id TEXT PRIMARY KEY, document TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS records (kind TEXT, key TEXT, document TEXT NOT NULL, PRIMARY KEY (kind, key));
"""


def remove_abandoned(folders: Iterable[Path], *, before: float) -> None:
    """Remove the state folders that nobody has locked since ``before`` (seconds since the epoch).

    For temporary folders alone: they stay behind when their platform is killed. One that is just being made has no lock
    yet, or a lock that is younger than ``before``.
    """
    for folder in folders:
        with contextlib.suppress(OSError):
            lock = os.open(folder / "lock", os.O_RDWR)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if os.fstat(lock).st_mtime < before:
                    shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(lock)


def _keep_private(path: Path) -> None:
    """Make the database, which has the values of secrets, readable for its owner alone."""
    # SQLite gives its log and its shared memory the mode of the database, but those may be left from an earlier run.
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        for file in (path, *path.parent.glob(f"{path.name}-*")):
            file.chmod(0o600)
    except OSError as exc:
        raise LocalError(f"cannot read {path}: {exc.strerror or exc}") from exc


class Store:
    """The state folder: ``flylab.db``, and ``machines/`` with a folder for each machine."""

    def __init__(self, folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as exc:
            raise LocalError(f"cannot use the state folder {folder}: {exc.strerror or exc}") from exc
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as exc:
            os.close(self._lock)
            raise LocalError(f"the state folder {folder} is in use by another platform") from exc
        self.folder = folder
        try:
            self._db = self._open(folder / "flylab.db")
        except BaseException:
            os.close(self._lock)
            raise
        self._configs = Configs(self._db)

    @staticmethod
    def _open(path: Path) -> sqlite3.Connection:
        _keep_private(path)
        db = sqlite3.connect(path, isolation_level=None)
        try:
            # Survives the death of the platform at any moment; a loss of power may cost the last transactions.
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = NORMAL")
            db.executescript(_SCHEMA + SCHEMA)
            found = db.execute("SELECT value FROM facts WHERE name = 'format'").fetchone()
        except sqlite3.Error as exc:
            db.close()
            raise LocalError(f"cannot read {path}: {exc}") from exc
        if found and found[0] not in _READABLE:
            db.close()
            raise LocalError(f"{path} was written by another version of flylab (format {found[0]}, not {FORMAT})")
        db.execute("INSERT OR REPLACE INTO facts VALUES ('format', ?)", (FORMAT,))
        return db

    @property
    def machines_folder(self) -> Path:
        return self.folder / "machines"

    def fact(self, name: str) -> str:
        """A remembered text, empty when there is none."""
        found = self._db.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return str(found[0]) if found else ""

    def remember(self, name: str, value: str) -> None:
        self._db.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value))

    @contextlib.contextmanager
    def intact(self) -> Iterator[None]:
        """Read and bring back what is here; what somebody else wrote into it is told by the file's name."""
        try:
            yield
        except LocalError:
            raise
        except (FlylabError, sqlite3.Error, ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as exc:
            why = f"a row in it is not as flylab wrote it ({type(exc).__name__}: {exc})"
            raise LocalError(f"cannot read {self.folder / 'flylab.db'}: {why}") from exc

    def read(self) -> tuple[list[AppEntry], list[Life], dict[str, dict[str, Json]]]:
        """Everything, in the order in which it was first written; records by kind and key."""
        apps = self._db.execute("SELECT document FROM apps ORDER BY rowid").fetchall()
        machines = self._db.execute("SELECT document FROM machines ORDER BY rowid").fetchall()
        configs = self._configs.read()
        records: dict[str, dict[str, Json]] = {}
        for kind, key, document in self._db.execute("SELECT kind, key, document FROM records ORDER BY rowid"):
            records.setdefault(kind, {})[key] = json.loads(document)
        return (
            [AppEntry(**json.loads(row[0])) for row in apps],
            [life_from_json(document, configs.get(document["id"], {})) for document in map(_loads, machines)],
            records,
        )

    def write(
        self,
        *,
        apps: Iterable[AppEntry] = (),
        machines: Iterable[Life] = (),
        records: Iterable[tuple[str, str, Json | None]] = (),
        dropped_apps: Iterable[str] = (),
        dropped_machines: Collection[str] = (),
    ) -> None:
        """All of it or nothing; it is on disk when this returns. A record without a document is removed."""
        put = "INSERT INTO {} VALUES (?, ?) ON CONFLICT DO UPDATE SET document = excluded.document"
        db = self._db
        db.execute("BEGIN")
        try:
            db.executemany(put.format("apps"), [(app.name, json.dumps(asdict(app))) for app in apps])
            written: dict[str, Numbered] = {}
            for life in machines:
                written[life.id] = self._configs.write(life)
                row = (life.id, json.dumps(life_to_json(life, written[life.id])))
                db.execute(put.format("machines"), row)
            for kind, key, document in records:
                if document is None:
                    db.execute("DELETE FROM records WHERE kind = ? AND key = ?", (kind, key))
                else:
                    text = json.dumps(document)
                    db.execute(
                        "INSERT INTO records VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET document = excluded.document",
                        (kind, key, text),
                    )
            db.executemany("DELETE FROM apps WHERE name = ?", [(name,) for name in dropped_apps])
            gone = [(machine_id,) for machine_id in dropped_machines]
            db.executemany("DELETE FROM machines WHERE id = ?", gone)
            db.executemany("DELETE FROM configs WHERE machine = ?", gone)
            db.execute("COMMIT")  # where a full disk shows
        except BaseException as exc:
            if db.in_transaction:  # some errors have rolled back by themselves
                db.execute("ROLLBACK")
            if not isinstance(exc, sqlite3.Error):
                raise
            raise LocalError(f"cannot write to the state folder {self.folder}: {exc}") from exc
        self._configs.keep(written, dropped_machines)

    def close(self) -> None:
        self._db.close()
        os.close(self._lock)


def _loads(row: tuple[str]) -> Any:
    return json.loads(row[0])


def life_to_json(life: Life, numbered: Numbered | None = None) -> Json:
    """The machine with its configurations, or with their numbers."""
    numbers = {id(config): number for number, config in (numbered or {}).items()}

    def written(config: MachineConfig) -> Json | int:
        return numbers[id(config)] if numbers else config.to_json()

    return {
        "id": life.id,
        "app": life.app,
        "name": life.name,
        "region": life.region,
        "state": str(life.state),
        "config": written(life.config),
        "version": life.version,
        "created_at": life.created_at,
        "updated_at": life.updated_at,
        "private_ip": life.private_ip,
        "image_ref": life.image_ref,
        "cordoned": life.cordoned,
        "skip_secrets": life.skip_secrets,
        "spawns": life.spawns,
        "log": [[event.to_json(), version] for event, version in life.log],
        "versions": [[version, written(config)] for version, config in life.versions],
    }


def life_from_json(document: Json, numbered: Numbered | None = None) -> Life:
    """The machine without its process; whoever reads it feeds it ``Recovered``."""

    def read(config: object) -> MachineConfig:
        return numbered[config] if numbered and isinstance(config, int) else MachineConfig.from_json(config)

    fields = dict(document)
    state, config, log, versions = (fields.pop(key) for key in ("state", "config", "log", "versions"))
    assert isinstance(log, list)
    assert isinstance(versions, list)
    return Life(
        **fields,  # type: ignore[arg-type]  # written by life_to_json above, of the same format
        state=parse_state(str(state)),
        config=read(config),
        log=tuple((Event.from_json(event), version) for event, version in log),
        versions=tuple((version, read(given)) for version, given in versions),
    )
