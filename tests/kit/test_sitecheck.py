"""The checks of the write-up find what they are for: one page has every flaw, another has none."""

from pathlib import Path
from typing import Any

import pytest

from flylab.kit.sitecheck import __main__ as command
from flylab.kit.sitecheck import links, look
from flylab.kit.sitecheck.limits import Finding, Limits
from flylab.kit.sitecheck.serve import serving

HEAD = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{name}</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">
<style>body {{ margin: 1rem; font: 16px/1.5 sans-serif; background: #fff; color: #222 }} {style}</style></head>
<body><main><article><h1>{name}</h1>{body}</article></main></body></html>"""
GOOD = HEAD.format(
    name="Good",
    style="""
@media screen and (prefers-color-scheme: dark) { body { background: #111; color: #eee } }
@media print { nav { display: none } }
button { min-width: 48px; min-height: 48px; background: #222; color: #fff }
a { color: inherit } summary { padding: 8px }
.unseen { position: absolute; clip-path: inset(50%); width: 1px; height: 1px; overflow: hidden }""",
    body="""
<link rel="stylesheet" href="more.css"><nav><button>Do it</button></nav>
<p>Words that can be read, and <a href="bad.html">a link</a>. <span class="unseen">Unseen</span></p>
<svg width="120" height="60" role="img" aria-label="Words on a bar">
  <rect width="120" height="60" fill="#000"/><text x="5" y="35" fill="#fff" font-size="16">white</text></svg>
<figure><figcaption>A figure</figcaption>
  <div class="plot" role="img" aria-label="What the figure shows in words"></div>
  <details><summary>The numbers</summary><table><tbody><tr><td>1</td></tr></tbody></table></details>
</figure>
<script>
const tell = () => {
  const { dataset } = document.querySelector(".plot");
  const dark = !matchMedia("print").matches && matchMedia("(prefers-color-scheme: dark)").matches;
  Object.assign(dataset, { drawn: innerWidth < 560 ? "narrow" : "wide", theme: dark ? "dark" : "light" });
};
tell();
matchMedia("print").addEventListener("change", tell);
</script>""",
)
BAD = HEAD.format(
    name="Bad",
    style=".late { height: 0 } .plot { width: 200px; height: 60px; overflow: hidden } p.pale { color: #999 }",
    body=f"""
<div class="late"></div>
<p class="pale">Pale words.</p><p style="font-size: 9px">Small words.</p><div style="width: 1900px">Too wide.</div>
<img src="missing.png" width="9" height="9"><nav>On every sheet</nav>
<button style="width: 9px; height: 9px; padding: 0; border: 0">x</button>
<figure style="height: 1200px"><figcaption>No numbers</figcaption>
  <div class="plot" data-drawn="wide" data-theme="light"><svg width="400" height="60">
    <rect width="90" height="60" fill="#222"/><text x="5" y="30">dark</text><text x="8" y="32" fill="#fff">light</text>
    <text x="150" y="30">Runs out of its figure</text></svg></div></figure>
<script>
const late = () => (document.querySelector(".late").style.height = "300px");
requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(late)));
console.error("something broke");
new Image().src = "http://example.invalid/x.png";
"{"x" * 4000}";
</script>""",
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "good.html").write_text(GOOD, encoding="utf-8")
    (tmp_path / "bad.html").write_text(BAD, encoding="utf-8")
    (tmp_path / "more.css").write_text(f"/* {'x' * 1000} */", encoding="utf-8")
    return tmp_path


@pytest.mark.browser
async def test_a_page_without_flaws_passes_and_each_flaw_of_another_is_found(browser: Any, folder: Path) -> None:
    limits = Limits(weight=4000)
    with serving(folder) as address:
        pages = ["good.html", "bad.html", "good.html"]
        good, bad, again = await look.site(browser, address, pages, limits=limits, patience=500)
    assert [str(finding) for finding in good.findings] == []
    assert (good.figures, good.shift) == (1, 0)
    assert good.weight == again.weight == len(GOOD.encode()) + 1006  # the second time as well, though it was there
    wide, narrow, printed = (
        {finding.rule for finding in bad.findings if finding.view == view}
        for view in ("wide, light", "narrow, light", "print")
    )
    everywhere = set("axe console contrast cut drawn missing outside overlap shift sideways unsaid weight".split())
    assert wide == everywhere
    assert narrow == everywhere | {"target", "text"}
    assert printed >= {"contrast", "cut", "paper", "sideways"}
    said = "\n".join(map(str, bad.findings))
    for part in (
        '2.85 : 1 of p.pale "Pale words."',
        '"dark"',  # on a dark bar
        '9.0 px: p "Small words."',
        "missing.png has no alternative text",
        'a figure has no table: "No numbers"',
        'cuts "Runs out of its figure"',
        '"dark" lies on "light"',
        "something broke",
        "http://example.invalid/x.png",
        "figure is 1200 px high",
        "nav is printed",
        "9 × 9 px: button",
    ):
        assert part in said, part
    # What lies on a bar is held against the bar, and not against the page.
    assert 'of text "light"' not in said


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ('<a href="other.html#there">x</a><a href="sub/">x</a><a href="#me">x</a><a href="https://fly.io/">x</a>', []),
        ('<a href="gone.html">x</a>', ["link: gone.html leads nowhere"]),
        ('<a href="other.html#gone">x</a>', ["link: other.html#gone leads to no place of that page"]),
        ('<script src="https://cdn.example/x.js"></script>', ["outside: https://cdn.example/x.js"]),
        ('<link rel="stylesheet" href="//fonts.example/x.css">', ["outside: //fonts.example/x.css"]),
        ('<link rel="canonical" href="https://example.org/"><img src="data:image/png;base64,x" alt="">', []),
        ('<img src="other.png" alt="">', ["missing: other.png"]),
        ("<h1>Another</h1>", ["head: 2 first headings instead of one"]),
    ],
)
def test_files_are_read_for_links_and_what_is_loaded(tmp_path: Path, body: str, found: list[str]) -> None:
    page = HEAD.format(name="Page", style="", body='<i id="me"></i>' + body)
    (tmp_path / "page.html").write_text(page, encoding="utf-8")
    (tmp_path / "other.html").write_text(
        HEAD.format(name="Other", style="", body='<i id="there"></i>'), encoding="utf-8"
    )
    (tmp_path / "sub").mkdir()
    inner = HEAD.format(name="Inner", style="", body='<a href="../page.html#me">x</a>')
    (tmp_path / "sub" / "index.html").write_text(inner, encoding="utf-8")
    assert [str(finding) for finding in links.check(tmp_path)] == [f"page.html: {each}" for each in found]


def test_a_page_that_says_nothing_of_itself_is_told_so(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("<p>Words</p>", encoding="utf-8")
    assert [finding.rule for finding in links.check(tmp_path)] == ["head"] * 4


def test_the_command_says_what_it_cannot_check(tmp_path: Path, folder: Path, capsys: Any, monkeypatch: Any) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    assert command.main([str(empty)]) == 2
    assert "there is no site in" in capsys.readouterr().err
    assert command.main([str(folder), "--page", "gone"]) == 2
    assert "has no page gone.html; it has bad.html, good.html" in capsys.readouterr().err
    monkeypatch.setenv("PATH", str(empty))
    monkeypatch.delenv("CHROMIUM", raising=False)
    assert command.main([str(folder)]) == 2
    assert "no Chromium found" in capsys.readouterr().err


def test_a_remark_is_shown_and_does_not_fail(capsys: Any) -> None:
    seen = [look.Seen(page="a.html", figures=2, weight=123_456)]
    remark = Finding(page="a.html", view="wide, light", rule="overlap", what='"1" lies on "2"')
    assert command.report(seen, [remark]) == 0
    assert '"1" lies on "2"' in capsys.readouterr().out
    assert command.report(seen, [Finding(page="a.html", view="", rule="link", what="x leads nowhere")]) == 1
    out = capsys.readouterr().out
    assert "123 kB" in out
    assert "a.html: link: x leads nowhere" in out
