"""The hostnames of apps: each belongs to one app, and its edges take requests for it.

Names of this computer have no DNS and its edges speak plain HTTP, so every hostname counts as validated at once and no
certificate is made. A custom one is checked for its form only, and its key is not kept.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace

from flylab.errors import RuleError
from flylab.rules.actions import Kept
from flylab.rules.records import AppOrder
from flylab.wire.fields import Json
from flylab.wire.moment import format_moment

KIND = "certificate"
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")  # RFC 1123, 2.1; 63 characters are the most (RFC 1035)
_LONGEST = 253  # characters of a whole name (RFC 1035, 2.3.4)
_OURS = ("fly.dev", "internal", "flycast")  # names that Fly gives out itself
_PEM = re.compile(r"-----BEGIN ([A-Z ]{1,40})-----([A-Za-z0-9+/=\s]*)-----END \1-----")


@dataclass(frozen=True, slots=True, kw_only=True)
class AddAcme(AppOrder):
    hostname: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AddCustom(AppOrder):
    hostname: str
    fullchain: str
    private_key: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveAcme(AppOrder):
    hostname: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveCustom(AppOrder):
    hostname: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveHostname(AppOrder):
    hostname: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """One hostname; a time of 0 means that it has no such certificate."""

    hostname: str
    app: str
    created_at: float
    updated_at: float
    acme: float = 0.0
    custom: float = 0.0

    @property
    def status(self) -> str:
        return "active" if self.acme or self.custom else "pending_validation"

    def summary(self) -> Json:
        return {
            "hostname": self.hostname,
            "status": self.status,
            "configured": True,
            "acme_requested": bool(self.acme),
            "acme_alpn_configured": True,
            "acme_dns_configured": True,
            "acme_http_configured": True,
            "ownership_txt_configured": True,
            "has_custom_certificate": bool(self.custom),
            "has_fly_certificate": bool(self.acme),
            "dns_provider": "",
            "created_at": format_moment(self.created_at),
            "updated_at": format_moment(self.updated_at),
        }

    def detail(self) -> Json:
        given = [("fly", self.acme), ("custom", self.custom)]
        ways = ("alpn", "dns", "http", "ownership_txt")
        return {
            "hostname": self.hostname,
            "status": self.status,
            "configured": True,
            "acme_requested": bool(self.acme),
            "certificates": [
                {"source": source, "status": "active", "created_at": format_moment(at), "issued": []}
                for source, at in given
                if at
            ],
            "dns_provider": "",
            "dns_requirements": {"a": [], "aaaa": [], "cname": f"{self.app}.fly.dev"},
            "validation": {f"{way}_configured": True for way in ways},
            "validation_errors": [],
        }


class Certificates:
    """All hostnames of one platform."""

    def __init__(self) -> None:
        self._rows: dict[str, Certificate] = {}

    def add_acme(self, event: AddAcme, now: float) -> list[Kept]:
        before = self._place(event.app, name := parse_hostname(event.hostname), now)
        if before.acme:
            raise RuleError("unprocessable", f"hostname '{name}' already has a certificate on app '{event.app}'")
        return self._put(replace(before, acme=now, updated_at=now))

    def add_custom(self, event: AddCustom, now: float) -> list[Kept]:
        """A custom certificate replaces an earlier one."""
        before = self._place(event.app, parse_hostname(event.hostname), now)
        _check_pem("fullchain", event.fullchain, "CERTIFICATE")
        _check_pem("private_key", event.private_key, "PRIVATE KEY")
        return self._put(replace(before, custom=now, updated_at=now))

    def remove_acme(self, event: RemoveAcme, now: float) -> list[Kept]:
        """The hostname stays the app's."""
        return self._put(replace(self.get(event.app, event.hostname), acme=0.0, updated_at=now))

    def remove_custom(self, event: RemoveCustom, now: float) -> list[Kept]:
        """The hostname stays the app's."""
        row = self.get(event.app, event.hostname)
        if not row.custom:
            raise RuleError("not_found", f"hostname '{row.hostname}' has no custom certificate")
        return self._put(replace(row, custom=0.0, updated_at=now))

    def remove(self, event: RemoveHostname) -> list[Kept]:
        row = self.get(event.app, event.hostname)
        del self._rows[row.hostname]
        return [Kept(KIND, row.hostname)]

    def of(self, app: str) -> list[Certificate]:
        """Oldest first."""
        return [row for row in self._rows.values() if row.app == app]

    def get(self, app: str, hostname: str) -> Certificate:
        row = self._rows.get(hostname.lower().rstrip("."))
        if row is None or row.app != app:
            raise RuleError("not_found", f"app '{app}' has no hostname {hostname[:80]!r}")
        return row

    def owner(self, hostname: str) -> str:
        """The app of a hostname, empty when nobody has it."""
        row = self._rows.get(hostname)
        return row.app if row else ""

    def hostnames(self) -> list[str]:
        return list(self._rows)

    def drop(self, app: str) -> list[Kept]:
        gone = [row.hostname for row in self.of(app)]
        for hostname in gone:
            del self._rows[hostname]
        return [Kept(KIND, hostname) for hostname in gone]

    def rows(self) -> dict[str, Certificate]:
        return self._rows

    def document(self, key: str) -> Json | None:
        row = self._rows.get(key)
        return asdict(row) if row else None

    def restore(self, documents: Mapping[str, Json]) -> None:
        self._rows = {key: Certificate(**row) for key, row in documents.items()}  # type: ignore[arg-type]  # ours

    def _place(self, app: str, hostname: str, now: float) -> Certificate:
        row = self._rows.get(hostname)
        if row is not None and row.app != app:
            raise RuleError("unprocessable", f"hostname '{hostname}' belongs to another app")
        return row or Certificate(hostname=hostname, app=app, created_at=now, updated_at=now)

    def _put(self, row: Certificate) -> list[Kept]:
        self._rows[row.hostname] = row
        return [Kept(KIND, row.hostname)]


def parse_hostname(text: str) -> str:
    """Lower case and without a final dot: ``Shop.Example.com.`` or ``*.example.com``; raises ``RuleError``."""
    if not text.isascii():
        raise _invalid(text, "write a name beyond ASCII as punycode (xn--…)")
    name = text[: _LONGEST + 2].lower().removesuffix(".")
    labels = name.removeprefix("*.").split(".")
    if len(name) > _LONGEST or len(labels) < 2 or not all(_LABEL.fullmatch(label) for label in labels):
        raise _invalid(text, "two or more labels of letters, digits and dashes are expected, as in shop.example.com")
    if labels[-1].isdecimal():
        raise _invalid(text, "a hostname is expected, not an address")
    # <app>.localhost is this platform's word for <app>.fly.dev; names below it are free.
    if any(name == own or name.endswith(f".{own}") for own in _OURS) or (labels[-1] == "localhost" and len(labels) < 3):
        raise _invalid(text, "names of that domain come with the app itself")
    return name


def _invalid(text: str, why: str) -> RuleError:
    return RuleError("unprocessable", f"cannot use hostname {text[:80]!r}: {why}")


def _check_pem(where: str, text: str, kind: str) -> None:
    found = [match for match in _PEM.finditer(text) if match.group(1).endswith(kind)]
    try:
        if found and all(base64.b64decode("".join(match.group(2).split()), validate=True) for match in found):
            return
    except binascii.Error:
        pass
    raise RuleError("unprocessable", f"{where} is not PEM: it has no readable block 'BEGIN {kind}'")
