"""The world map as chapters draw it; ``figures.world_map`` takes arcs with their times as well."""

from collections.abc import Mapping, Sequence

from flylab.kit.figures import Basis, Figure, world_map


def world(
    title: str,
    about: Basis,
    *,
    machines: Mapping[str, int] | None = None,
    edges: Sequence[str] = (),
    hops: Sequence[tuple[str, str]] = (),
) -> Figure:
    """Machines per region as filled circles, edges as open squares, hops as great circles."""
    arcs = [{"from": origin, "to": target, "provenance": "measured"} for origin, target in hops]
    return world_map(arcs, about, title=title, machines=machines, edges=edges, what="hops")
