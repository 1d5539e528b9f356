"""Sphinx settings of the write-up; `flylab site` copies them beside the rewritten notebooks and runs Sphinx."""

import html
import json
from pathlib import Path

project = "flylab"
html_title = "flylab"
language = "en"
extensions = ["myst_nb", "sphinx_copybutton"]
exclude_patterns = ["_build"]
suppress_warnings = ["config.cache"]  # `setup` below is not kept between runs, and need not be

nb_execution_mode = "off"  # the suite has run them
nb_code_prompt_show = "Show the code"
nb_code_prompt_hide = "Hide the code"
myst_heading_anchors = 2
myst_enable_extensions = ["colon_fence"]

html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["site.css", "pages.css"]
# themes.js is written by `flylab site`.
html_js_files = [("themes.js", {"defer": "defer"}), ("figures.js", {"defer": "defer"})]
html_favicon = "_static/favicon.svg"
html_show_copyright = False
html_show_sourcelink = False
html_copy_source = False
html_last_updated_fmt = None
pygments_style = "friendly"
pygments_dark_style = "github-dark"  # the theme's own default underlines every imported name
copybutton_exclude = ".linenos, .gp, .go"

# The system's own fonts: nothing is loaded from anywhere.
_FONTS = {
    "font-stack": "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif",
    "font-stack--monospace": "ui-monospace, SFMono-Regular, Menlo, Consolas, monospace",
}
html_theme_options = {
    "light_css_variables": {**_FONTS, "color-brand-primary": "#1f5f8b", "color-brand-content": "#1f5f8b"},
    "dark_css_variables": {**_FONTS, "color-brand-primary": "#7cc0ee", "color-brand-content": "#7cc0ee"},
}


def tags(app, page, template, context, doctree):
    """Description and preview of each page; ``tags.json`` is written by `flylab site`."""
    told = json.loads((Path(app.srcdir) / "tags.json").read_text(encoding="utf-8"))
    title = told["title"] if page == "index" else f"{html.unescape(context.get('title', ''))} · flylab"
    about = " ".join(told["about"].get(page, "").split())
    named = {"og:type": "article", "og:site_name": "flylab", "og:title": title, "og:description": about}
    if told["base"]:  # a preview needs whole addresses
        picture = told["base"] + told["card"]
        named |= {"og:url": context.get("pageurl") or told["base"], "og:image": picture}
        named |= {"og:image:width": "1200", "og:image:height": "630", "og:image:alt": told["title"]}
    lines = [f'<meta property="{name}" content="{html.escape(value)}">' for name, value in named.items() if value]
    cards = {"twitter:card": "summary_large_image", "twitter:title": title, "twitter:description": about}
    if told["base"]:
        cards["twitter:image"] = told["base"] + told["card"]
    lines += [f'<meta name="{name}" content="{html.escape(value)}">' for name, value in cards.items() if value]
    if about:
        lines.append(f'<meta name="description" content="{html.escape(about)}">')
    context["metatags"] = context.get("metatags", "") + "\n".join(lines)


def setup(app):
    app.connect("html-page-context", tags)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
