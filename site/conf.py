"""Sphinx settings of the write-up; `flylab site` copies them beside the rewritten notebooks and runs Sphinx."""

import re
from pathlib import Path

project = "flylab"
html_title = "flylab"
language = "en"
extensions = ["myst_nb", "sphinx_copybutton", "flylab.kit.site.preview"]
exclude_patterns = ["_build"]

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
pygments_style = "a11y-high-contrast-light"  # its palest word has a contrast of 6.9 : 1
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


def setup(app):
    """What neither the theme nor myst-nb has a setting for."""
    app.connect("html-page-context", _leave_out)
    app.connect("build-finished", _mend)


def _leave_out(app, pagename, templatename, context, doctree):
    # 43 KB of styles of which site.css has the twenty lines that these pages need.
    context["css_files"] = [each for each in context["css_files"] if "/mystnb." not in str(each.filename)]


def _mend(app, exception):
    for page in [] if exception else Path(app.outdir).rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        # A screen reader lists both as "complementary" and nothing else, and does not know how deep a caption lies.
        for kind, name in (("sidebar-drawer", "All pages"), ("toc-drawer", "On this page")):
            text = text.replace(f'<aside class="{kind}', f'<aside aria-label="{name}" class="{kind}')
        text = text.replace('<p class="caption" role="heading">', '<p class="caption" role="heading" aria-level="2">')
        # Names, punctuation and spaces have the colour of all code, and are more than half of all elements of a page.
        page.write_text(re.sub(r'<span class="[npw]">([^<]*)</span>', r"\1", text), encoding="utf-8")
