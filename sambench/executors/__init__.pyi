from .assignment import Assignment as Assignment
from .assignment import execute as execute
from .assignment import prepare as prepare
from .executor import Executor as Executor
from .executor import RunFailed as RunFailed
from .inline import Inline as Inline
from .local import Processes as Processes
from .local import threads_each as threads_each
