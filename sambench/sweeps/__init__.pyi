from . import agent_trial as agent_trial
from . import dashboard as dashboard
from . import export as export
from . import local as local
from . import sweep_file as sweep_file
from .agent import called as called
