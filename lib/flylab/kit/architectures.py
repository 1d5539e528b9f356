"""The architectures that a room can be built on: what each does with it, in words, with published figures filled in.

Words are ours, figures are rows of ``published/claims.csv`` and named in ``claims``, so that whoever doubts one can
look it up. What nobody published is a row as well, and is said to be missing.
"""

import html
from collections.abc import Sequence
from dataclasses import dataclass

from flylab.kit.widgets import code
from flylab.published.claims import Claim, claim


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """One way to run a room; ``{c107}`` in the words stands for that claim's value."""

    name: str
    short: str
    kind: str  # CDN, FaaS, PaaS, IaaS or ADN
    state: str
    lock_in: str
    isolation: str
    operations: str
    starts: tuple[str, ...]  # claims about how long it takes until something answers

    @property
    def claims(self) -> list[Claim]:
        """Every claim that is named in the words or shown among the starts."""
        words = " ".join((self.state, self.lock_in, self.isolation, self.operations))
        named = [part[:4] for part in words.split("{")[1:]]
        return [claim(each) for each in dict.fromkeys([*named, *self.starts])]

    def filled(self, words: str) -> str:
        """The words with each claim's value and mark in them."""
        for each in self.claims:
            words = words.replace(f"{{{each.id}}}", each.text)
        return words


ARCHITECTURES = (
    Architecture(
        name="Cloudflare Workers with KV",
        short="Workers",
        kind="CDN",
        state=(
            "A function keeps nothing, so none of them holds a room. A write to KV takes up to {c113} to be seen"
            " elsewhere, and one key takes {c114}."
        ),
        lock_in="The runtime's interface and KV's; the runtime, workerd, is open and runs on a laptop.",
        isolation="An isolate in a process that others share.",
        operations="Nothing to run and nothing to place.",
        starts=("c097",),
    ),
    Architecture(
        name="Netlify edge functions",
        short="Netlify (Deno)",
        kind="CDN",
        state="A function keeps nothing, and its limits name no WebSockets: a room is held somewhere else.",
        lock_in="Little: the runtime is Deno's, which is open and runs on a laptop.",
        isolation="An isolate; {c116} of processor time for a request.",
        operations="Nothing to run and nothing to place.",
        # We found no start of Netlify's own; these are of the runtime's maker and of an edge that is built on it.
        starts=("c118", "c117"),
    ),
    Architecture(
        name="Durable Objects",
        short="Durable Objects",
        kind="CDN",
        state="One object holds the room beside its storage, up to about {c106}. It stays where it began.",
        lock_in="Class and storage interface of one provider; the runtime is open, what places objects is not.",
        isolation="An isolate, as above.",
        operations="Nothing to place, so nothing to move either; it sleeps after {c107} without work.",
        starts=("c112",),
    ),
    Architecture(
        name="Lambda behind API Gateway",
        short="Lambda",
        kind="FaaS",
        state="Nobody holds the room: each message begins at a database that you bring.",
        lock_in="Gateway and events of one provider; the code is a function or an image.",
        isolation="A microVM for each environment.",
        operations="No server; the table of connections and its cleaning are yours.",
        starts=("c065", "c068", "c148"),
    ),
    Architecture(
        name="Fargate",
        short="Fargate",
        kind="PaaS",
        state="A process holds the room. Which task that is, and how members reach it, is yours to build.",
        lock_in="An image runs anywhere; task definitions and load balancer do not.",
        isolation="A virtual machine for each task.",
        operations="No server; nothing sleeps and wakes by itself.",
        starts=("c085",),
    ),
    Architecture(
        name="EC2, Vultr",
        short="servers",
        kind="IaaS",
        state="A process holds the room, on the server that you rent where you rent it.",
        lock_in="Nearly none.",
        isolation="A virtual machine of your own.",
        operations="All of it is yours; a server that is stopped at Vultr still costs {c096} of its price.",
        starts=("c087", "c088", "c089", "c095"),
    ),
    Architecture(
        name="Fly Machines with fly-replay",
        short="Fly",
        kind="ADN",
        state="A process holds the room, `fly-replay` brings members to it. Who may write is yours to settle.",
        lock_in="An image runs anywhere; header, Machines API and wake-up are Fly's.",
        isolation="A Firecracker microVM for each machine.",
        operations="No server; lost hosts, full regions and {c020} for each machine are yours to survive.",
        starts=("c142", "c011", "c154", "c045", "c031", "c030"),  # the slow reports as well as the quick ones
    ),
)


def starts(architectures: Sequence[Architecture] = ARCHITECTURES) -> list[Claim]:
    """The published starts of all of them, the shortest first; what was looked for and not found is left out."""
    found = [each for one in architectures for each in map(claim, one.starts) if each.value is not None]
    return sorted(found, key=lambda each: each.seconds)


def owners(architectures: Sequence[Architecture] = ARCHITECTURES) -> dict[str, str]:
    """Whose start a claim is about, by its id, in a word."""
    return {each: one.short for one in architectures for each in one.starts}


def missing(architectures: Sequence[Architecture] = ARCHITECTURES) -> list[Claim]:
    """What was looked for and not found."""
    return [each for one in architectures for each in map(claim, one.starts) if each.value is None]


DT = "font-weight:normal;opacity:.75;white-space:nowrap"


class Cards:
    """State, lock-in, isolation and operations of each, one after the other: six columns of prose cannot be read."""

    def __init__(self, architectures: Sequence[Architecture] = ARCHITECTURES) -> None:
        self.architectures = architectures

    def lines(self, one: Architecture) -> list[tuple[str, str]]:
        """What is said of one, by aspect."""
        named = ", ".join(each.id for each in one.claims)
        aspects = {
            "state": one.state, "lock-in": one.lock_in, "isolation": one.isolation, "operations": one.operations
        }  # fmt: skip
        return [*((aspect, one.filled(words)) for aspect, words in aspects.items()), ("claims", named)]

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        shown, text = [], []
        for one in self.architectures:
            title = f"{one.name} ({one.kind})"
            pairs = "".join(
                f'<dt style="{DT}">{aspect}</dt><dd style="margin:0">{code(words)}</dd>'
                for aspect, words in self.lines(one)
            )
            style = "display:grid;grid-template-columns:6em minmax(0,44em);gap:.15em .8em;margin:.2em 0 1em"
            shown.append(f'<strong>{html.escape(title)}</strong><dl style="{style}">{pairs}</dl>')
            text += [title, *(f"  {aspect}: {words}" for aspect, words in self.lines(one))]
        return {"text/html": f'<div class="architectures">{"".join(shown)}</div>', "text/plain": "\n".join(text)}
