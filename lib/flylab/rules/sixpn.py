"""The 6PN address of a machine, in the layout that Fly documents (networking/private-networking).

    fdaa : network (32 bits) : host (32 bits) : machine (32 bits) : 2

Which bits a network, a host or a machine gets is not published. Here they are digests of names, so that a network has
the same prefix after a restart of the platform; a region stands for one host.
"""

from hashlib import blake2s

_HOSTS = "a7b"  # how the host's half begins in the examples of the documentation
_LAST = "2"  # in every example


def private_ip(organization: str, network: str, region: str, machine_id: str, attempt: int = 0) -> str:
    """The address of a machine; another ``attempt`` gives another one, for the case that it is taken."""
    net, host = _digest(f"{organization}/{network}"), _digest(region)
    machine = _digest(f"{machine_id}/{attempt}")
    return ":".join(("fdaa", *net, _HOSTS, host[1], *machine, _LAST))


def _digest(text: str) -> tuple[str, str]:
    """32 bits as two groups, neither of them 0: an address with zeros has a shorter spelling than the one written."""
    both = blake2s(text.encode(), digest_size=4).hexdigest()
    first, second = ((int(half, 16) or 1) for half in (both[:4], both[4:]))
    return f"{first:x}", f"{second:x}"
