"""The documentation site: `scripts/docs` builds it."""

from __future__ import annotations

import vmic

project = "vmic"
author = "The vmic authors"
copyright = author  # noqa: A001 (Sphinx's name)
version = release = vmic.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
html_theme = "furo"
html_title = "vmic"
exclude_patterns = ["conf.py"]
myst_heading_anchors = 3

autodoc_typehints = "signature"
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
# Types of other projects have no page here: their sites are not read, so that the build needs no network.
nitpick_ignore_regex = [("py:.*", r"(?!vmic\.[A-Za-z]+$).*")]
