"""Sphinx's settings. Nothing is fetched: no other project's index, no fonts, no scripts."""

from __future__ import annotations

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ["NO_COLOR"] = "1"

from semdev import __version__

project = "semdev"
author = "The semdev developers"
copyright = author
version = release = __version__

extensions = [
    "sphinx.ext.autodoc",
    "numpydoc",
    "myst_nb",
    "sphinx_design",
    "docs.extension",
]
root_doc = "index"
exclude_patterns = ["**/.ipynb_checkpoints"]
nitpicky = True

# Docstrings: a single `name` is a piece of code, and a link where it is a public name.
smartquotes = False  # "" is a name without letters, not a quotation
default_role = "literal"
autodoc_typehints = "none"  # the docstrings say what arguments are, in words
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
add_module_names = False
python_use_unqualified_type_names = True
numpydoc_show_class_members = False
numpydoc_xref_param_type = False
highlight_language = "none"

# Markdown and notebooks: as stored, for the suite runs them.
nb_execution_mode = "off"
nb_ipywidgets_js: dict[str, dict[str, str]] = {}
nb_mime_priority_overrides = [("html", "image/svg+xml", 5)]
myst_enable_extensions = ["dollarmath", "amsmath"]
myst_heading_anchors = 3
myst_links_external_new_tab = False

html_theme = "pydata_sphinx_theme"
html_title = f"semdev {version}"
html_static_path = ["static"]
html_css_files = ["semdev.css"]
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_sidebars: dict[str, list[str]] = {
    p: [] for p in ("index", "README", "phenomena", "command_line")
}
html_theme_options = {
    "logo": {"text": "semdev"},
    "header_links_before_dropdown": 8,
    "navbar_end": ["theme-switcher"],
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "show_prev_next": True,
    "navigation_with_keys": False,
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
