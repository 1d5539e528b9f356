"""An app as the platform keeps it, and what its name may be."""

import re
from dataclasses import dataclass

from flylab.errors import RuleError
from flylab.rules.actions import AppChanged
from flylab.rules.contents import check_name
from flylab.rules.orders import CreateApp

_APP_NAME = re.compile(r"[a-z0-9-]{1,62}")  # fly-go flaps/flaps_error_test.go has the refusal in words


@dataclass(frozen=True, slots=True, kw_only=True)
class AppEntry:
    """An app as the platform keeps it."""

    id: str
    name: str
    organization: str
    network: str
    created_at: float
    idempotency_key: str = ""


def create_app(apps: dict[str, AppEntry], event: CreateApp, now: float) -> list[AppChanged]:
    """Add it to ``apps``; raises ``RuleError`` when its name or its key is taken."""
    for app in apps.values():
        if event.idempotency_key and app.idempotency_key == event.idempotency_key:
            if event.name in ("", app.name):
                return []
            raise RuleError("unprocessable", f"idempotency_key was already used to create app '{app.name}'")
    if not _APP_NAME.fullmatch(event.name):
        why = "1 to 62 lower-case letters, digits and dashes are allowed"
        raise RuleError("unprocessable", f"app name '{event.name[:80]}' is invalid, {why}")
    if event.name in apps:
        raise RuleError("name_taken", f"app name '{event.name}' has already been taken")
    check_name(event.network, "network")
    check_name(event.idempotency_key, "idempotency_key")
    apps[event.name] = AppEntry(
        id=event.id,
        name=event.name,
        organization=event.organization,
        network=event.network,
        created_at=now,
        idempotency_key=event.idempotency_key,
    )
    return [AppChanged(event.name)]
