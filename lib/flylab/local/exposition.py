"""Series in Prometheus' text format: ours, whose names are Fly's, and those of machines with labels of ours.

The client library has a reader, which is used here; its writer would add `_total` to Fly's names of counters.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(slots=True)
class Family:
    """One series; its samples are lines already, which take a fifth of what they would as values."""

    name: str
    kind: str
    about: str
    samples: list[str] = field(default_factory=list)

    def add(self, value: float, labels: Mapping[str, str], suffix: str = "") -> None:
        told = ",".join(f'{name}="{_escaped(text, quotes=True)}"' for name, text in labels.items())
        self.samples.append(f"{self.name}{suffix}{{{told}}} {_number(value)}")


def written(families: Iterable[Family]) -> str:
    """The text; a family without samples is left out."""
    lines: list[str] = []
    for family in families:
        if not family.samples:
            continue
        lines.append(f"# HELP {family.name} {_escaped(family.about)}")
        lines.append(f"# TYPE {family.name} {family.kind}")
        lines += family.samples
    return "\n".join(lines) + "\n" if lines else ""


def relabelled(text: str, labels: Mapping[str, str]) -> list[Family]:
    """What a machine said, with these labels in the place of its own of the same names; raises ValueError."""
    from prometheus_client.parser import text_string_to_metric_families

    found: list[Family] = []
    for metric in text_string_to_metric_families(text):
        kind = "untyped" if metric.type == "unknown" else metric.type
        family = Family(f"{metric.name}_total" if kind == "counter" else metric.name, kind, metric.documentation)
        for sample in metric.samples:
            suffix = sample.name.removeprefix(family.name)
            if suffix == sample.name:  # another name than the family's, such as `_created` beside `_total`
                found.append(Family(sample.name, "untyped", ""))
                found[-1].add(sample.value, {**sample.labels, **labels})
            else:
                family.add(sample.value, {**sample.labels, **labels}, suffix)
        found.append(family)
    return found


def merged(families: Iterable[Family]) -> list[Family]:
    """Several of one name as one, as the format wants it; the first says the type."""
    found: dict[str, Family] = {}
    for family in families:
        known = found.setdefault(family.name, Family(family.name, family.kind, family.about))
        known.samples += family.samples
    return list(found.values())


def _escaped(text: str, *, quotes: bool = False) -> str:
    text = text.replace("\\", "\\\\").replace("\n", "\\n")
    return text.replace('"', '\\"') if quotes else text


def _number(value: float) -> str:
    if value != value:
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "+Inf" if value > 0 else "-Inf"
    return str(int(value)) if value == int(value) else repr(value)
