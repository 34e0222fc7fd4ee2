"""Whether a server can be reached, found out in seconds: clients would repeat their requests for a minute."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit
from urllib.request import getproxies

ANSWERS_WITHIN_S = 5.0


@contextmanager
def quick_hub_client() -> Iterator[None]:
    """Let the hub's client ask only its own cache where the hub cannot be reached."""
    import huggingface_hub.constants as hub

    before = hub.HF_HUB_OFFLINE
    hub.HF_HUB_OFFLINE = before or not is_reachable(hub.ENDPOINT)
    try:
        yield
    finally:
        hub.HF_HUB_OFFLINE = before


def is_reachable(address: str) -> bool:
    """Whether a server answers. Behind a proxy nothing is assumed: it decides what it reaches."""
    if getproxies():
        return True
    parts = urlsplit(address)
    port = parts.port or (80 if parts.scheme == "http" else 443)
    try:
        socket.create_connection((parts.hostname or "", port), ANSWERS_WITHIN_S).close()
    except OSError:
        return False
    return True


def first_line(error: Exception) -> str:
    """What an error says, in one line that can stand inside another message."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
