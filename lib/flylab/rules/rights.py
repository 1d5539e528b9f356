"""Who may ask for what: the organisation's token for everything, an app's for that app, a machine for itself.

Which statuses an app's token meets elsewhere is Fly's: 403 for an app that it cannot see, 404 for a name that is free
(fly-go flaps/flaps_apps.go).
"""

from dataclasses import dataclass

from flylab.errors import RuleError

_ORG_WIDE = frozenset({"Apps_list", "Apps_create", "Machines_org_list", "Volumes_org_list"})
# A token that could make others would outlive its own expiry; our choice, Fly asks for a user there.
_ORG_ALONE = frozenset({"App_create_deploy_token"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Whose rights a request has: an empty ``app`` is the organisation, ``machine`` came through its own socket."""

    token_id: str = ""
    app: str = ""
    machine: str = ""

    def permit(self, operation: str, app: str, machine: str, *, app_exists: bool, reads: bool) -> None:
        """Raise ``RuleError`` unless the holder may do this; ``app`` and ``machine`` are those of the path.

        ``reads`` is true for a request that changes nothing and may be allowed to look at its neighbours.
        """
        if not self.app:
            return
        who = f"machine {self.machine}" if self.machine else f"a token of app '{self.app}'"
        if operation in _ORG_WIDE or operation in _ORG_ALONE:
            raise RuleError("forbidden", f"{operation} needs the organisation's token, this is {who}")
        if app and app != self.app:
            if app_exists:
                raise RuleError("forbidden", f"{who} has no rights on app '{app}'")
            raise RuleError("not_found", f"app '{app}' not found")
        if self.machine and app and machine != self.machine and not (reads and not operation.startswith("Secret")):
            raise RuleError("forbidden", f"{operation}: {who} may change nothing but itself, and reads no secrets")
