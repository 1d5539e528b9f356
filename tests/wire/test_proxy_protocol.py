"""The PROXY protocol, both versions."""

import pytest

from flylab.wire.proxy_protocol import format_proxy


@pytest.mark.parametrize(
    ("version", "source", "target", "header"),
    [
        ("v1", ("127.0.0.1", 1), ("127.0.0.2", 65_535), b"PROXY TCP4 127.0.0.1 127.0.0.2 1 65535\r\n"),
        ("v1", ("::1", 1), ("::2", 2), b"PROXY TCP6 ::1 ::2 1 2\r\n"),
        (
            "v2",
            ("127.0.0.1", 1),
            ("127.0.0.2", 256),
            b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c\x7f\x00\x00\x01\x7f\x00\x00\x02\x00\x01\x01\x00",
        ),
    ],
)
def test_header(version, source, target, header):
    assert format_proxy(version, source, target) == header
