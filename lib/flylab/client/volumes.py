"""The volumes of an app as typed calls: `client.volumes`. A volume belongs to one app and region and to one machine."""

from flylab.client.calls import part
from flylab.client.errors import NotFound
from flylab.client.retry import Repeat
from flylab.client.session import Session
from flylab.client.transport import Call
from flylab.wire.fields import without_empty
from flylab.wire.machine import Guest
from flylab.wire.volume import Snapshot, Volume


class Volumes:
    """Each method is one call of the Machines API (machines/api/volumes-resource)."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def create(
        self,
        app: str,
        name: str = "",
        *,
        region: str | None = None,
        size_gb: int | None = None,
        source: str | None = None,
        snapshot: str | None = None,
        snapshot_retention: int | None = None,
        auto_backup_enabled: bool | None = None,
        compute: Guest | None = None,
    ) -> Volume:
        """Make a volume; ``source`` is one to fork, ``snapshot`` one to restore, and then the rest may be left out.

        ``compute`` is the size of the machine that is to use it, so that both find room in one place. Names are not
        unique, so nobody can tell whether a lost answer was a success: it is not repeated then.
        """
        body = without_empty(
            name=name,
            region=region,
            size_gb=size_gb,
            source_volume_id=source,
            snapshot_id=snapshot,
            snapshot_retention=snapshot_retention,
            compute=compute and compute.to_json(),
        ) | ({} if auto_backup_enabled is None else {"auto_backup_enabled": auto_backup_enabled})
        asked = f"create volume {name or 'from a copy'} in app {app}"
        call = Call(asked=asked, method="POST", path=_all(app), body=body, repeat=Repeat.NEVER)
        return (await self._session.send(call)).read(Volume.from_json)

    async def all(self, app: str) -> list[Volume]:
        """All volumes of an app, also those that are about to be destroyed."""
        call = Call(asked=f"list the volumes of app {app}", method="GET", path=_all(app))
        return (await self._session.send(call)).read_each(Volume.from_json)

    async def get(self, app: str, volume_id: str) -> Volume:
        """One volume as it is now; NotFound when it is gone."""
        call = Call(asked=f"look at {_words(app, volume_id)}", method="GET", path=_one(app, volume_id))
        return (await self._session.send(call)).read(Volume.from_json)

    async def update(
        self,
        app: str,
        volume_id: str,
        *,
        snapshot_retention: int | None = None,
        auto_backup_enabled: bool | None = None,
    ) -> Volume:
        """Change how its snapshots are made; what is None stays."""
        given = {"snapshot_retention": snapshot_retention, "auto_backup_enabled": auto_backup_enabled}
        body = {key: value for key, value in given.items() if value is not None}
        call = Call(asked=f"update {_words(app, volume_id)}", method="PUT", path=_one(app, volume_id), body=body)
        return (await self._session.send(call)).read(Volume.from_json)

    async def extend(self, app: str, volume_id: str, size_gb: int) -> tuple[Volume, bool]:
        """Make it larger; true when its machine has to be restarted to see that.

        A repeat of a success is refused, because volumes only grow; so it is not repeated after a lost answer.
        """
        call = Call(
            asked=f"extend {_words(app, volume_id)} to {size_gb} GB",
            method="PUT",
            path=f"{_one(app, volume_id)}/extend",
            body={"size_gb": size_gb},
            repeat=Repeat.NEVER,
        )
        answer = await self._session.send(call)
        return answer.read(lambda body: Volume.from_json(body["volume"])), bool(answer.object().get("needs_restart"))

    async def destroy(self, app: str, volume_id: str) -> Volume | None:
        """Destroy it, which takes effect later; None when it is gone already. Refused while a machine has it."""
        call = Call(asked=f"destroy {_words(app, volume_id)}", method="DELETE", path=_one(app, volume_id))
        try:
            return (await self._session.send(call)).read(Volume.from_json)
        except NotFound:
            return None

    async def snapshots(self, app: str, volume_id: str) -> list[Snapshot]:
        """The snapshots of a volume, newest first on the local platform."""
        asked = f"list the snapshots of {_words(app, volume_id)}"
        call = Call(asked=asked, method="GET", path=f"{_one(app, volume_id)}/snapshots")
        return (await self._session.send(call)).read_each(Snapshot.from_json)

    async def snapshot(self, app: str, volume_id: str) -> None:
        """Have a snapshot made; it appears in the list and is done when its status says ``created``."""
        call = Call(
            asked=f"take a snapshot of {_words(app, volume_id)}",
            method="POST",
            path=f"{_one(app, volume_id)}/snapshots",
            repeat=Repeat.NEVER,
        )
        await self._session.send(call)


def _all(app: str) -> str:
    return f"/apps/{part(app)}/volumes"


def _one(app: str, volume_id: str) -> str:
    return f"{_all(app)}/{part(volume_id)}"


def _words(app: str, volume_id: str) -> str:
    return f"volume {volume_id} of app {app}"
