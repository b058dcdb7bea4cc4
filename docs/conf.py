"""How Sphinx builds these pages; `scripts/docs` calls it."""

project = "aimcsim"
author = "the aimcsim developers"
extensions = ["myst_parser"]
myst_heading_anchors = 3
html_theme = "alabaster"
html_theme_options = {  # wide enough for what commands print, 100 columns
    "page_width": "1300px",
    "body_max_width": "1060px",
    "sidebar_width": "220px",
    "fixed_sidebar": True,
    "code_font_size": "0.85em",
}
exclude_patterns = ["build"]
