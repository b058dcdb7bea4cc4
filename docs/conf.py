"""How Sphinx builds these pages; `scripts/docs` calls it."""

project = "aimcsim"
author = "the aimcsim developers"
extensions = ["myst_parser"]
myst_heading_anchors = 3
html_theme = "alabaster"
html_theme_options = {"page_width": "1080px", "sidebar_width": "220px", "fixed_sidebar": True}
exclude_patterns = ["build"]
