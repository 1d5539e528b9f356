"""Takes the mask off what members send (RFC 6455, section 5.3)."""


def _in_python(data: bytes, mask: bytes) -> bytes:
    size = len(data)
    key = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(data, "little") ^ int.from_bytes(key, "little")).to_bytes(size, "little")


# To be called as `masking.apply_mask`, since `hurry` puts another in its place.
apply_mask = _in_python


def hurry() -> None:
    """Import what does it four times as fast, and what odd frames are judged by.

    A start does not wait for this: the websockets package takes 15 ms to import.
    """
    global apply_mask  # noqa: PLW0603 - a constant from here on
    import websockets.server  # noqa: F401 - for `app.inbound`

    try:
        from websockets.speedups import apply_mask as in_c
    except ImportError:  # a build without the C extension
        return
    apply_mask = in_c
