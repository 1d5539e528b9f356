"""The local certificate authority: kept in its folder, and certificates for exactly the names that are asked for."""

import ssl
import stat
import time
from contextlib import suppress

import pytest

from flylab.errors import LocalError
from flylab.local.authority import Authority
from flylab.local.tls import Contexts
from flylab.wire.port_options import TlsOptions


def handshake(server: ssl.SSLContext, client: ssl.SSLContext, name: str | None) -> ssl.SSLObject:
    """The client's end of a connection in memory."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = client.wrap_bio(to_client, to_server, server_hostname=name)
    theirs = server.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(4):
        for end in (ours, theirs):
            with suppress(ssl.SSLWantReadError):
                end.do_handshake()
    ours.do_handshake()
    return ours


def trusting(authority: Authority) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(authority.path))
    context.set_alpn_protocols(["h2", "http/1.1"])
    return context


def contexts(authority: Authority, **options: TlsOptions) -> Contexts:
    return Contexts(authority, lambda name: name.endswith(".test"), lambda name: options.get(name[0], TlsOptions()))


@pytest.fixture(scope="module")
def now() -> float:
    return time.time()  # OpenSSL compares with the computer's own clock


def test_a_folder_keeps_its_authority_and_nobody_else_reads_the_key(tmp_path, now):
    first = Authority(tmp_path, lambda: now)
    kept = first.path.read_bytes()
    assert Authority(tmp_path, lambda: now).path.read_bytes() == kept
    assert stat.S_IMODE(first.path.parent.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in first.path.parent.iterdir()} == {0o600}
    assert sorted(path.name for path in first.path.parent.iterdir()) == ["ca-key.pem", "ca.pem"]


def test_a_client_that_trusts_the_authority_reaches_each_name(tmp_path, now):
    authority = Authority(tmp_path, lambda: now)
    served = contexts(authority).http
    for name in ("blue.test", "BLUE.test", "localhost", "127.0.0.1"):
        assert handshake(served, trusting(authority), name).version() == "TLSv1.3"
    assert [path.name for path in authority.path.parent.glob("leaf*")] == []


def test_a_name_that_nobody_has_is_refused_in_the_handshake(tmp_path, now):
    authority = Authority(tmp_path, lambda: now)
    for name in ("blue.example", "..test", "a" * 64 + ".test"):
        with pytest.raises((ssl.SSLError, UnicodeError, ValueError)):
            handshake(contexts(authority).http, trusting(authority), name)


def test_a_stranger_does_not_trust_it(tmp_path, now):
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(contexts(Authority(tmp_path, lambda: now)).http, ssl.create_default_context(), "blue.test")


def test_an_app_may_narrow_what_is_agreed(tmp_path, now):
    authority = Authority(tmp_path, lambda: now)
    served = contexts(authority, a=TlsOptions(alpn=("http/1.1",)), b=TlsOptions(versions=("TLSv1.2",)))
    assert handshake(served.http, trusting(authority), "a.test").selected_alpn_protocol() == "http/1.1"
    assert handshake(served.raw, trusting(authority), "c.test").selected_alpn_protocol() is None
    seen: list[ssl.SSLObject] = []
    choose = served.http.sni_callback
    served.http.sni_callback = lambda conn, name, ctx: (seen.append(conn), choose(conn, name, ctx))[1]
    for name in ("b.test", "c.test"):
        handshake(served.http, trusting(authority), name)
    assert [served.allows(connection) for connection in seen] == [False, True]


def test_a_broken_folder_is_named(tmp_path, now):
    authority = Authority(tmp_path, lambda: now)
    authority.path.write_text("nothing")
    with pytest.raises(LocalError, match="remove that folder"):
        Authority(tmp_path, lambda: now)
