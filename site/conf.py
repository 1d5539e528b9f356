"""Sphinx settings of the write-up; `flylab site` copies them beside the rewritten notebooks and runs Sphinx."""

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
