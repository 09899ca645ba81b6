"""W&B sweeps: studies exported as sweep files, and sweep files run without a server.

    export                        a study -> a sweep file per variant, for W&B's own agents
    agent_trial                   a trial that such an agent started, logged and kept in its study
    dashboard -> report           a study -> what its W&B report shows -> the report

A sweep file is run here in this order:

    safe_yaml -> sweep_file       the text -> plain tables -> a checked Sweep
    parameters, distributions     what it draws, and how; numbers: as YAML writes them
    local                         the loop: starts runs, follows them, stops them
    controller, hyperband         which config is next; which run ends early
    agent, command -> local_run   a run's environment and command line -> its process
    run_log                       what it has told W&B, from the file that W&B's client writes
    orphans                       programs that outlived a killed sweep
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
