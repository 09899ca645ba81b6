from . import agent_trial as agent_trial
from . import dashboard as dashboard
from . import export as export
from . import local as local
from . import spec as spec
from .agent import called as called
