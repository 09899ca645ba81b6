"""What the system lets a process have, where that is too little to begin with."""

from sambench.errors import UserError

FEWEST_FILES = 64
LEAST_MEMORY = 4  # GiB of address space, most of which torch only reserves


def check() -> None:
    """UserError for limits under which torch, or the first worker, would fail in its own words."""
    try:
        import resource
    except ImportError:  # not on Windows
        return
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if 0 <= files < FEWEST_FILES:
        raise UserError(
            f"at most {files} files may be open here, {FEWEST_FILES} are needed; "
            "raise the limit: ulimit -n 1024"
        )
    memory, _ = resource.getrlimit(resource.RLIMIT_AS)
    if 0 <= memory < LEAST_MEMORY * 2**30:
        raise UserError(
            f"{memory / 2**30:.1f} GiB of address space are allowed here, {LEAST_MEMORY} are "
            "needed; raise the limit: ulimit -v unlimited"
        )
