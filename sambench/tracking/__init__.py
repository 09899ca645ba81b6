"""W&B runs: one per run of a study, and one of the study itself. Never in training's way.

All of it happens in a process of its own: what W&B waits for, training does not.

    describe, leaderboard    what W&B is told of a run, of a study
    tracker                  what a study calls; falls back to files where the server fails
    client -> service        orders to the process that talks to W&B, and its answers (messages)
    runs                     the W&B run that the service has open
    told                     the rows of runs that have not ended, for the next file of each
    tracked                  which runs W&B has already, so that none is told twice
    modes                    online, offline or disabled; which runs
"""

from sambench.tracking import modes as modes
from sambench.tracking.describe import describe as describe
from sambench.tracking.describe import ending as ending
from sambench.tracking.describe import measured as measured
from sambench.tracking.describe import run_id as run_id
from sambench.tracking.describe import summary_id as summary_id
from sambench.tracking.leaderboard import content as content
from sambench.tracking.leaderboard import describe_study as describe_study
from sambench.tracking.messages import Measured as Measured
from sambench.tracking.modes import Mode as Mode
from sambench.tracking.modes import mode as mode
from sambench.tracking.modes import stages as stages
from sambench.tracking.tracked import note as note
from sambench.tracking.tracker import Tracker as Tracker
