"""Pretrained weights: from the cache, else from the network; where there is none, at once none."""

import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit
from urllib.request import getproxies

PATIENCE_S = 5.0


@contextmanager
def without_retries() -> Iterator[None]:
    """Inside, what is cached is found, and a hub that cannot be reached is not asked again."""
    from huggingface_hub import constants

    offline, timeout = constants.HF_HUB_OFFLINE, socket.getdefaulttimeout()
    logger = logging.getLogger("huggingface_hub")
    level = logger.level
    constants.HF_HUB_OFFLINE = offline or not _reachable(constants.ENDPOINT)
    socket.setdefaulttimeout(PATIENCE_S)
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = offline
        socket.setdefaulttimeout(timeout)
        logger.setLevel(level)


def _reachable(url: str) -> bool:
    """Whether the host, or the proxy that stands for it, takes a connection."""
    scheme = urlsplit(url).scheme or "https"
    proxies = getproxies()
    found = urlsplit(proxies.get(scheme) or proxies.get("all") or url)
    port = found.port or (443 if found.scheme == "https" else 80)
    try:
        with socket.create_connection((found.hostname or "", port), timeout=PATIENCE_S):
            return True
    except (OSError, ValueError):
        return False
