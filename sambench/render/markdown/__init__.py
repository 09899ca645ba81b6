"""Findings as markdown: a page per study and per device, and their index."""

from sambench.render.markdown.table import markdown as markdown
