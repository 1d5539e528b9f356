"""The command ``flylab site``."""

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path

from flylab.errors import ParseError, UsageError
from flylab.kit import project
from flylab.kit.site import findings, web
from flylab.kit.site.collecting import PLACES, collect
from flylab.kit.site.making import check, make


def main(arguments: list[str] | None = None) -> int:
    """0 when the site was built without a warning, 1 when not, 2 for a wrong call."""
    parser = argparse.ArgumentParser(prog="flylab site", description="Build the write-up from the executed chapters.")
    parser.add_argument("--out", type=Path, metavar="DIR", help="where it goes (default: build/site)")
    parser.add_argument(
        "--base-url", default="", metavar="URL", help="where it will be published: canonical links, sitemap, previews"
    )
    flags = parser.parse_args(arguments)
    try:
        web.base(flags.base_url)
        if flags.out is not None:
            check(flags.out.resolve())
    except UsageError as error:
        print(f"flylab site: {error}", file=sys.stderr)
        return 2
    try:
        pages, missing = collect(project.build() / "executed")
        target = make(pages, missing, project.build(), out=flags.out, base_url=flags.base_url)
    except (UsageError, ParseError) as error:
        print(f"flylab site: {error}", file=sys.stderr)
        return 1
    for chapter, page in pages:
        for headline in page.headlines:
            where = f"{headline['kind']}, n = {headline['n']}"
            print(f"{chapter.name:<17}{headline['text']}  ({where}; {PLACES[page.target]})")
    told = findings.load(project.root() / "site" / findings.FILE)
    if entries := findings.wanted(told, pages, datetime.now(UTC).date()):
        print("\nsite/findings.toml has no entry yet for what these say; with a reason they are:")
        print("\n\n".join(entries), end="\n\n")
    if missing:
        print(f"not run, so not in it: {', '.join(chapter.name for chapter in missing)}")
    print(f"site: {target / 'index.html'}")
    return 0
