"""Region codes and the aliases that stand for several of them; coordinates and distances are not kept here."""

from flylab.errors import ParseError

# Fly's documentation (networking/dynamic-request-routing) names the aliases but not the codes behind them; the lists
# follow the part of the world a region lies in (our choice). A test keeps them in step with published/regions.csv.
ALIASES: dict[str, tuple[str, ...]] = {
    "apac": ("bom", "nrt", "sin", "syd"),
    "eu": ("ams", "arn", "cdg", "fra", "lhr"),
    "na": ("dfw", "ewr", "iad", "lax", "ord", "sjc", "yyz"),
    "sa": ("gru",),
    "us": ("dfw", "ewr", "iad", "lax", "ord", "sjc"),
    "usa": ("dfw", "ewr", "iad", "lax", "ord", "sjc"),
}
ANY = "any"


def is_region_code(text: str) -> bool:
    """Whether the text has the shape of a code, three lower-case letters; the region need not exist."""
    return len(text) == 3 and text.isascii() and text.isalpha() and text.islower()


def parse_region_list(text: str) -> tuple[str, ...]:
    """Read ``ams, fra,eu`` into codes and aliases in order of preference; raises ParseError on an empty list."""
    words = tuple(word.strip().lower() for word in text.split(","))
    for word in words:
        if not (word in ALIASES or word == ANY or is_region_code(word)):
            raise ParseError("region list", text, f"{word!r} is neither a region code nor an alias")
    return words


def format_region_list(regions: tuple[str, ...]) -> str:
    """Write a list the way ``fly-replay`` wants it: quotes only around more than one."""
    return regions[0] if len(regions) == 1 else '"' + ",".join(regions) + '"'


def regions_of(word: str, known: tuple[str, ...]) -> tuple[str, ...]:
    """The codes that a code or an alias stands for; ``any`` stands for all that are ``known``."""
    if word == ANY:
        return known
    return ALIASES.get(word, (word,))
