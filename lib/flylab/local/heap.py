"""How much freed memory this process keeps for itself."""

_BLOCK = 2_097_152  # bytes; our choice


def keep_freed() -> None:
    """Keep up to twice that block instead of 128 KB.

    glibc gives back what is free at the end of its heap and takes it anew page by page: for a body of 100 kB that costs
    as much as sending it. Freeing one block that has pages of its own raises the threshold (mallopt(3),
    M_MMAP_THRESHOLD). Elsewhere this does nothing.
    """
    bytes(_BLOCK)
