from . import catalog as catalog
from . import costs as costs
from . import estimate as estimate
from . import leaderboard as leaderboard
from . import local_sweep as local_sweep
from . import progress as progress
from . import status as status
from . import trial as trial
