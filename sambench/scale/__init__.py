"""What studies cost beside their training, as they grow.

storing      asking for runs and telling of them, in each storage
dispatching  handing runs out, on each executor
starting     `study` on a folder of finished runs
reporting    `leaderboard` of records that are made up
beside       trials, beside those of a script by hand
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
