"""Findings as markdown: a page per study and per device, and their index."""

from sambench.render.markdown import costs as costs
from sambench.render.markdown.table import COLUMNS as COLUMNS
from sambench.render.markdown.table import cells as cells
from sambench.render.markdown.table import markdown as markdown
