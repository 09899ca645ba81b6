"""All commands, and one line and an exit code for whatever goes wrong.

Exit codes: 0 ok, 1 the work failed, 2 bad input, 130 interrupted.
"""

import errno
import io
import os
import signal
import sys
import time
from typing import NoReturn

import click

from sambench.cli.bench import bench
from sambench.cli.best import best
from sambench.cli.doctor import doctor
from sambench.cli.failures import EXHAUSTED, fail, unusable
from sambench.cli.leaderboard import leaderboard
from sambench.cli.measure import measure
from sambench.cli.merge import merge
from sambench.cli.parsing import Commands
from sambench.cli.status import status
from sambench.cli.study import study
from sambench.cli.sweep import sweep
from sambench.cli.trial import trial
from sambench.cli.variants import variants
from sambench.errors import UserError, WorkFailed


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="sambench")
def cli() -> None:
    """Which sharpness-aware optimizer is worth its cost on your model and data?"""


COMMANDS = (
    study, status, merge, trial, best, measure, leaderboard, bench, variants, sweep, doctor,
)  # fmt: skip

for command in COMMANDS:
    cli.add_command(command)


def main() -> NoReturn:
    """Entry point."""
    began = time.monotonic()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    # pyarrow's own allocator asks for huge pages, which virtual machines are slow to give
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a locale without ± must not end a study
    try:
        cli(standalone_mode=False, obj=began)
        if sys.stdout is not None:  # it is where the caller closed it
            sys.stdout.flush()
    except UserError as error:
        fail(str(error), 2)
    except WorkFailed as error:
        fail(str(error), 1)
    except (click.exceptions.Abort, KeyboardInterrupt):
        fail("interrupted; the same command goes on from here", 130)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        sys.exit(2)
    except click.ClickException as error:
        fail(error.format_message(), 2)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # else Python complains at its own exit
        sys.exit(1)
    except OSError as error:
        fail(unusable(error), 2)
    except MemoryError:
        fail(EXHAUSTED[errno.ENOMEM], 2)
    sys.exit(0)
