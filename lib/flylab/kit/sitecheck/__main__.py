"""``python -m flylab.kit.sitecheck [FOLDER]``: checks a built write-up and prints what would trouble its readers."""

import argparse
import asyncio
import os
import shutil
import sys
import tempfile
from pathlib import Path

from flylab.kit import project
from flylab.kit.sitecheck import links, look
from flylab.kit.sitecheck.limits import REMARKS, Finding, Limits
from flylab.kit.sitecheck.serve import serving

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# As root too, and silent: without the resolver rule Chromium looks up its maker's hosts at every start.
_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]


def main(arguments: list[str] | None = None) -> int:
    """The command; 0 when nothing troubles a reader, 1 when something does, 2 when nothing could be checked."""
    parser = argparse.ArgumentParser(prog="python -m flylab.kit.sitecheck", description="Check a built write-up.")
    parser.add_argument("folder", nargs="?", type=Path, help="the site (default: build/site)")
    parser.add_argument("--page", action="append", default=[], metavar="NAME", help="only this page, e.g. 03-replay")
    parser.add_argument("--pictures", type=Path, metavar="FOLDER", help="keep screenshots and printed pages here")
    given = parser.parse_args(arguments)
    folder = given.folder or project.build() / "site"
    there = [path.relative_to(folder).as_posix() for path in sorted(folder.glob("**/*.html"))]
    pages = [name for name in there if name not in links.SPHINX]
    if given.page:
        wanted = {f"{name.removesuffix('.html')}.html" for name in given.page}
        if missing := sorted(wanted - set(pages)):
            return _refused(f"{folder} has no page {missing[0]}; it has {', '.join(pages) or 'none'}")
        pages = [name for name in pages if name in wanted]
    if not pages:
        return _refused(f"there is no site in {folder}; run `flylab site` first")
    browser = next(filter(None, map(shutil.which, filter(None, [os.environ.get("CHROMIUM"), *_NAMES]))), None)
    if browser is None:
        return _refused(
            "no Chromium found: install it (Debian, Ubuntu: apt-get install chromium) or name it in $CHROMIUM"
        )
    try:
        seen = asyncio.run(_look(folder, pages, browser, given.pictures))
    except ModuleNotFoundError as error:
        return _refused(f"the package {error.name} is missing; install flylab[all]")
    findings = [
        *(one for one in links.check(folder) if one.page in pages),
        *(f for page in seen for f in page.findings),
    ]
    return report(seen, findings)


async def _look(folder: Path, pages: list[str], browser: str, pictures: Path | None) -> list[look.Seen]:
    from playwright.async_api import async_playwright

    with serving(folder) as address, tempfile.TemporaryDirectory() as profile:
        async with async_playwright() as playwright:
            context = await playwright.chromium.launch_persistent_context(
                profile, executable_path=browser, headless=True, args=_FLAGS
            )
            try:
                return await look.site(context, address, pages, pictures=pictures)
            finally:
                await context.close()


def report(seen: list[look.Seen], findings: list[Finding]) -> int:
    """Print a line for each page and one for each finding; 1 when one of them is more than a remark."""
    print(f"{'page':<24}{'figures':>8}{'weight':>10}{'shift':>8}  findings")
    for page in seen:
        count = sum(finding.page == page.page for finding in findings)
        weight = f"{page.weight / 1000:,.0f} kB"
        print(f"{page.page:<24}{page.figures:>8}{weight:>10}{page.shift:>8.3f}  {count or 'none'}")
    limits = Limits()
    print(
        f"Allowed: {limits.weight / 1000:,.0f} kB without plotly.js, which all pages share; a shift of {limits.shift}."
    )
    for finding in findings:
        print(finding)
    return 1 if any(finding.rule not in REMARKS for finding in findings) else 0


def _refused(why: str) -> int:
    print(f"sitecheck: {why}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
