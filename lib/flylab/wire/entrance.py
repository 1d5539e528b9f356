"""A public port of an app as the local platform lists it: what it is, and where each edge has it."""

from dataclasses import dataclass, field

from flylab.wire.fields import Fields, Json, without_empty


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenPort:
    """``edges`` is host and port by region; ``closed`` says why there are none, ``network`` whose a private one is."""

    app: str
    port: int
    kind: str
    edges: dict[str, str] = field(default_factory=dict)
    network: str | None = None
    closed: str = ""

    @classmethod
    def from_json(cls, value: object, where: str = "port") -> "OpenPort":
        f = Fields(value, where)
        return cls(
            app=f.text("app"),
            port=f.integer("port"),
            kind=f.text("kind"),
            edges=f.text_map("edges"),
            network=f.maybe_text("network"),
            closed=f.text("closed"),
        )

    def to_json(self) -> Json:
        network = {} if self.network is None else {"network": self.network}
        said: Json = {"app": self.app, "port": self.port, "kind": self.kind, **network, "edges": dict(self.edges)}
        return said | without_empty(closed=self.closed)
