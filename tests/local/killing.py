"""Clients of a platform that is going to be killed, and what they know of it: for each thing the values it may have.

A value that is being changed may be the old one or the new one; once the change is acknowledged it is the new one.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from random import Random
from typing import Any
from uuid import uuid4

import httpx

from tests.local.up import Up

GONE = "gone"  # the value of what is not there
LEASED = 900  # seconds, longer than any of these tests


class Ledger:
    """What all clients know together; a key is a kind and a name, of which each client uses its own."""

    def __init__(self) -> None:
        self.mark = uuid4().hex  # in the environment of all machines
        self.possible: dict[tuple[str, str], set[Any]] = {}
        self.acknowledged = 0
        self.enough = threading.Event()
        self.target = 0
        self._lock = threading.Lock()

    def expect(self, acknowledged: int) -> None:
        """Set ``enough`` when that many more changes are acknowledged."""
        with self._lock:
            self.target = self.acknowledged + acknowledged
            self.enough.clear()

    def may_be(self, key: tuple[str, str]) -> set[Any]:
        return self.possible.get(key, {GONE})

    @contextmanager
    def change(self, changes: dict[tuple[str, str], Any]) -> Iterator[None]:
        """While it lasts, each may be as before or as given; an exception leaves it so, but for a refusal."""
        before = {key: self.may_be(key) for key in changes}
        for key, value in changes.items():
            self.possible[key] = before[key] | {value}
        try:
            yield
        except Refused:
            self.possible |= before
            raise
        self.possible |= {key: {value} for key, value in changes.items()}
        with self._lock:
            self.acknowledged += 1
            if self.acknowledged >= self.target:
                self.enough.set()

    def compare(self, running: Up) -> None:
        """Everything is as it may be, nothing else is there; from now on it is known for sure."""
        found = seen(running, self.mark)
        for key in found.keys() | self.possible.keys():
            value = found.get(key, GONE)
            assert value in self.may_be(key), f"{key} is {value!r}, it may be {self.may_be(key)}"
        self.possible = {key: {value} for key, value in found.items()}

    def end_all(self, running: Up, most: int = 4) -> None:
        """Machines that have been through it can be started and destroyed, and everything else goes with the app."""
        machines = [each for each in running.ok("GET", "/v1/apps/app/machines") if "lease" not in each["name"]]
        for machine in machines[:most]:
            if machine["state"] in ("created", "stopped"):
                running.ok("POST", running.path(machine, "/start"))
                running.wait(machine, "started")
            running.ok("DELETE", running.path(machine), params={"force": "true"})
            running.wait(machine, "destroyed")
        running.ok("DELETE", "/v1/apps/app", params={"force": "true"})
        assert running.call("GET", "/v1/apps/app/machines").status_code == 404


class Refused(Exception):
    """The platform has said no, so nothing has changed."""


def seen(running: Up, mark: str) -> dict[tuple[str, str], Any]:
    """What a platform shows, by the keys of a ledger; what is half there fails."""
    found: dict[tuple[str, str], Any] = {}
    for app in running.ok("GET", "/v1/apps", params={"org_slug": "personal"})["apps"]:
        if app["name"] != "app":
            found["app", app["name"]] = "there"
    for machine in running.ok("GET", "/v1/apps/app/machines"):
        if machine["state"] in ("destroying", "destroyed"):
            continue
        name, config = machine["name"], machine["config"]
        assert ("machine", name) not in found, f"two machines are called {name}"
        assert config["image"] == "local/sleep"
        assert config["env"]["MARK"] == mark
        assert machine["events"][-1]["type"] == "launch"
        if name.endswith("leased"):
            lease = running.call("GET", running.path(machine, "/lease"))
            assert lease.is_success, f"{name} was made without the lease that it was to be born with"
        assert machine["state"] in ("created", "starting", "started", "stopped"), machine["state"]
        found["machine", name] = config["env"]["N"]
        if (value := config.get("metadata", {}).get("key")) is not None:
            found["metadata", name] = value
        if (lease := running.call("GET", running.path(machine, "/lease"))).is_success:
            found["lease", name] = lease.json()["data"]["description"]
    for volume in running.ok("GET", "/v1/apps/app/volumes"):
        if volume["state"] == "created":
            found["volume", volume["name"]] = volume["size_gb"]
    params = {"show_secrets": "true"}
    for secret in running.ok("GET", "/v1/apps/app/secrets", params=params)["secrets"]:
        found["secret", secret["name"]] = secret["value"]
    return found


class Worker:
    """One client that changes things of its own, as fast as it is answered, until the platform does not answer."""

    def __init__(self, running: Up, ledger: Ledger, rng: Random, name: str) -> None:
        self.ledger = ledger
        self.rng = rng
        self.name = name
        self.failed: BaseException | None = None
        self.ids: dict[str, str] = {}
        self.nonce = ""
        self._count = 0
        headers = {"authorization": f"Bearer {running.info['token']}"}
        self.http = httpx.Client(base_url=running.info["api"], headers=headers, timeout=20, trust_env=False)

    def run(self) -> None:
        try:
            with self.http:
                while True:
                    self.step()
        except httpx.TransportError:
            pass  # it was killed
        except BaseException as exc:
            self.failed = exc

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        answer = self.http.request(method, f"/v1/apps{path}", json=body, headers=headers)
        if 400 <= answer.status_code < 500:
            raise Refused(answer.text)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def fresh(self, sign: str = "-") -> str:
        self._count += 1
        return f"{self.name}{sign}{self._count}"

    def step(self) -> None:
        steps = [self.make, self.make, self.update, self.metadata, self.run_or_stop, self.destroy, self.volume,
                 self.secret, self.app, self.lease, self.born_leased]  # fmt: skip
        with suppress(Refused):  # because of its state, or for want of the thing
            self.rng.choice(steps)()

    def body(self, number: str) -> dict[str, Any]:
        return {"config": {"image": "local/sleep", "env": {"MARK": self.ledger.mark, "N": number}}}

    def make(self, suffix: str = "") -> str:
        name, number = self.fresh() + suffix, self.fresh()
        body = self.body(number) | {"name": name, "skip_launch": self.rng.random() < 0.7}
        with self.ledger.change({("machine", name): number}):
            self.ids[name] = self.call("POST", "/app/machines", body)["id"]
        return name

    def born_leased(self) -> None:
        name, number = f"{self.fresh()}leased", self.fresh()  # nothing else is done with it, for it would wait
        with self.ledger.change({("machine", name): number, ("lease", name): ""}):
            self.call("POST", "/app/machines", self.body(number) | {"name": name, "lease_ttl": LEASED})

    def mine(self) -> tuple[str, str]:
        """Name and path of one of its machines."""
        names = [name for name in self.ids if not name.endswith("lease")] or [self.make()]
        name = self.rng.choice(names)
        return name, f"/app/machines/{self.ids[name]}"

    def update(self) -> None:
        (name, path), number = self.mine(), self.fresh()
        with self.ledger.change({("machine", name): number, ("metadata", name): GONE}):
            self.call("POST", path, self.body(number))

    def metadata(self) -> None:
        (name, path), value = self.mine(), self.fresh()
        with self.ledger.change({("metadata", name): value}):
            self.call("POST", f"{path}/metadata/key", {"value": value})

    def run_or_stop(self) -> None:
        _, path = self.mine()
        self.call("POST", f"{path}/{self.rng.choice(['start', 'stop', 'cordon', 'uncordon'])}", {})

    def destroy(self) -> None:
        name, path = self.mine()
        with self.ledger.change({("machine", name): GONE, ("metadata", name): GONE}):
            self.call("DELETE", f"{path}?force=true")
        del self.ids[name]

    def volume(self) -> None:
        name = self.fresh("_").replace("-", "_")
        with self.ledger.change({("volume", name): 1}):
            path = f"/app/volumes/{self.call('POST', '/app/volumes', {'name': name, 'size_gb': 1})['id']}"
        with self.ledger.change({("volume", name): 2}):
            self.call("PUT", f"{path}/extend", {"size_gb": 2})
        if self.rng.random() < 0.5:
            with self.ledger.change({("volume", name): GONE}):
                self.call("DELETE", path)

    def secret(self) -> None:
        name, value = f"S_{self.name}_{self.rng.randrange(3)}".upper().replace("-", "_"), self.fresh()
        if self.rng.random() < 0.7:
            with self.ledger.change({("secret", name): value}):
                self.call("POST", f"/app/secrets/{name}", {"value": value})
        else:
            with self.ledger.change({("secret", name): GONE}):
                self.call("DELETE", f"/app/secrets/{name}")

    def app(self) -> None:
        name = self.fresh()
        with self.ledger.change({("app", name): "there"}):
            self.call("POST", "", {"app_name": name, "org_slug": "personal"})
        with self.ledger.change({("app", name): GONE}):
            self.call("DELETE", f"/{name}")

    def lease(self) -> None:
        name = next((name for name in self.ids if name.endswith("lease")), "") or self.make("lease")
        path, value = f"/app/machines/{self.ids[name]}/lease", self.fresh()
        if self.nonce:
            with self.ledger.change({("lease", name): GONE}):
                self.call("DELETE", path, **{"fly-machine-lease-nonce": self.nonce})
            self.nonce = ""
        else:
            with self.ledger.change({("lease", name): value}):
                self.nonce = self.call("POST", path, {"ttl": LEASED, "description": value})["data"]["nonce"]
