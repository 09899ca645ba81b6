"""A Ray cluster: reached, or started here."""

import logging
import os
import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import ModuleType
from typing import TYPE_CHECKING

from sambench.errors import UserError, said
from sambench.executors.local import threads_each

if TYPE_CHECKING:
    from sambench.executors.ray import Ray

OWN = "local"  # what Ray calls one that it starts here
CLIENT = "ray://"
QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # else it warns of what it will change
}


def imported() -> ModuleType:
    os.environ.update({name: os.environ.get(name, value) for name, value in QUIET.items()})
    try:
        import ray
        import ray.exceptions
    except ModuleNotFoundError:
        raise UserError("--on ray: needs the package ray: pip install 'sambench[ray]'") from None
    return ray


@contextmanager
def connected(ray: ModuleType, settings: "Ray") -> Iterator[None]:
    """Connects to the cluster, or starts one here; a connection of the caller's is left as it is.

    UserError where there is none.
    """
    if ray.is_initialized():
        yield
        return
    address = settings.address or os.environ.get("RAY_ADDRESS") or OWN
    if address.startswith(CLIENT):
        raise UserError(
            f"--on ray: {address} is for Ray's client, whose connections break with what they "
            'hold; start the study on a node of the cluster, with address = "auto"'
        )
    own = {}
    if address == OWN:
        cores = (settings.workers or 1) * (settings.cpus_per_run or 1)
        own = {"num_cpus": max(threads_each(1), cores), "include_dashboard": False}
    try:
        with _own_sigterm():
            ray.init(
                address=address,
                runtime_env=settings.runtime_env or None,
                log_to_driver=False,
                logging_level=logging.ERROR,
                **own,
            )
    except (ConnectionError, RuntimeError, ValueError, OSError) as error:
        raise UserError(f"--on ray: no cluster at {address}: {said(error)}") from None
    try:
        has, needs = ray.cluster_resources(), settings.needs
        if address == OWN and not has_room(needs, has):
            raise UserError(
                f"--on ray: a run takes {amounts(needs)}, and this machine has {amounts(has)}; "
                "name the address of a cluster"
            )
        with _unheard(ray):
            yield
    finally:
        ray.shutdown()


def has_room(needs: Mapping[str, float], has: Mapping[str, float]) -> bool:
    """Whether a run fits."""
    return all(amount <= has.get(name, 0) for name, amount in needs.items())


def amounts(resources: Mapping[str, float]) -> str:
    """{"CPU": 1.0} -> "1 CPU"; bytes, and what Ray counts for itself, left out."""
    own = {k: v for k, v in resources.items() if ":" not in k and "memory" not in k}
    return ", ".join(f"{amount:g} {name}" for name, amount in sorted(own.items()))


@contextmanager
def _unheard(ray: ModuleType) -> Iterator[None]:
    """Ray prints a paragraph for every worker that dies, whatever it is told of logs."""
    module, name = ray._private.worker, "print_to_stdstream"
    before = getattr(module, name, None)
    setattr(module, name, lambda *_, **__: None)
    try:
        yield
    finally:
        setattr(module, name, before)


@contextmanager
def _own_sigterm() -> Iterator[None]:
    """`ray.init` puts its handler in the place of ours."""
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, before)
