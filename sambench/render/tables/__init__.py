"""What each table says, whatever its format: one file for each thing that is told."""

from sambench.render.tables import arms as arms
from sambench.render.tables import benchmarks as benchmarks
from sambench.render.tables import correlation as correlation
from sambench.render.tables import corruption as corruption
from sambench.render.tables import costs as costs
from sambench.render.tables import divergence as divergence
from sambench.render.tables import equal as equal
from sambench.render.tables import halves as halves
from sambench.render.tables import measures as measures
from sambench.render.tables import over_tasks as over_tasks
from sambench.render.tables import prices as prices
from sambench.render.tables import quoted as quoted
from sambench.render.tables import radius as radius
from sambench.render.tables import ranking as ranking
from sambench.render.tables import recall as recall
from sambench.render.tables import runs as runs
from sambench.render.tables import scale as scale
from sambench.render.tables import settings as settings
from sambench.render.tables import trials as trials
from sambench.render.tables import variants as variants
from sambench.render.tables.table import Cell as Cell
from sambench.render.tables.table import Column as Column
from sambench.render.tables.table import Table as Table
from sambench.render.tables.table import of as of
from sambench.render.tables.table import text as text
