"""Findings for a terminal."""

from sambench.render.terminal import catalog as catalog
from sambench.render.terminal import costs as costs
from sambench.render.terminal import estimate as estimate
from sambench.render.terminal import leaderboard as leaderboard
from sambench.render.terminal import local_sweep as local_sweep
from sambench.render.terminal import progress as progress
from sambench.render.terminal import scale as scale
from sambench.render.terminal import trial as trial
