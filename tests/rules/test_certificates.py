"""Hostnames: read strictly, each of one app, and what their certificates look like."""

import base64

import pytest

from flylab.errors import RuleError
from flylab.rules.actions import Kept
from flylab.rules.certificates import (
    KIND,
    AddAcme,
    AddCustom,
    Certificates,
    RemoveAcme,
    RemoveCustom,
    RemoveHostname,
    parse_hostname,
)


def pem(kind):
    return f"-----BEGIN {kind}-----\n{base64.b64encode(kind.encode() * 4).decode()}\n-----END {kind}-----\n"


CHAIN, KEY = pem("CERTIFICATE") * 2, pem("EC PRIVATE KEY")


def custom(app="a", chain=CHAIN, key=KEY):
    return AddCustom(app=app, hostname="shop.example.com", fullchain=chain, private_key=key)


def refusal(call, *arguments):
    with pytest.raises(RuleError) as caught:
        call(*arguments)
    return caught.value


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("shop.example.com", "shop.example.com"),
        ("Shop.Example.COM.", "shop.example.com"),
        ("*.example.com", "*.example.com"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("www.shop.localhost", "www.shop.localhost"),
        (f"{'a' * 63}.example", f"{'a' * 63}.example"),
    ],
)
def test_good_hostnames(text, name):
    assert parse_hostname(text) == name


@pytest.mark.parametrize(
    "text",
    [
        "", ".", "a", "a..b", "-a.example", "a-.example", "a_b.example", "a b.example", "bücher.example", "1.2.3.4",
        "*", "*.com*", "a.*.example", "::1", "a.example:80", "a.example/x", "a.example\n", "\0.example",
        f"{'a' * 64}.example", ".".join(["a" * 60] * 5), "x.fly.dev", "fly.dev", "x.internal", "a.flycast",
        "rooms.localhost", "*.localhost", "a.example..", "\u212a.example",
    ],
)  # fmt: skip
def test_bad_hostnames(text):
    assert refusal(parse_hostname, text).code == "unprocessable"


def test_one_hostname_belongs_to_one_app():
    rows = Certificates()
    assert rows.add_acme(AddAcme(app="a", hostname="Shop.example.com"), 1.0) == [Kept(KIND, "shop.example.com")]
    for event, add in (
        (AddAcme(app="b", hostname="shop.example.com"), rows.add_acme),
        (custom(app="b"), rows.add_custom),
    ):
        assert "belongs to another app" in refusal(add, event, 2.0).text
    assert rows.owner("shop.example.com") == "a"
    assert refusal(rows.get, "b", "shop.example.com").code == "not_found"
    assert refusal(rows.remove, RemoveHostname(app="b", hostname="shop.example.com")).code == "not_found"
    rows.remove(RemoveHostname(app="a", hostname="shop.example.com"))
    rows.add_acme(AddAcme(app="b", hostname="shop.example.com"), 3.0)
    assert rows.owner("shop.example.com") == "b"


def test_the_same_certificate_twice_is_refused_and_a_custom_one_replaced():
    rows = Certificates()
    rows.add_acme(AddAcme(app="a", hostname="shop.example.com"), 1.0)
    assert refusal(rows.add_acme, AddAcme(app="a", hostname="shop.example.com"), 2.0).code == "unprocessable"
    rows.add_custom(custom(), 2.0)
    rows.add_custom(custom(), 3.0)
    detail = rows.get("a", "shop.example.com").detail()
    assert [each["source"] for each in detail["certificates"]] == ["fly", "custom"]
    assert (detail["status"], detail["configured"], detail["acme_requested"]) == ("active", True, True)


def test_without_a_certificate_the_hostname_stays():
    rows = Certificates()
    rows.add_custom(custom(), 1.0)
    rows.remove_custom(RemoveCustom(app="a", hostname="shop.example.com"), 2.0)
    assert refusal(rows.remove_custom, RemoveCustom(app="a", hostname="shop.example.com"), 2.0).code == "not_found"
    rows.remove_acme(RemoveAcme(app="a", hostname="shop.example.com"), 3.0)
    assert rows.get("a", "shop.example.com").detail()["status"] == "pending_validation"
    assert rows.owner("shop.example.com") == "a"


@pytest.mark.parametrize(
    ("chain", "key", "names"),
    [
        ("", pem("PRIVATE KEY"), "fullchain"),
        ("no pem", pem("PRIVATE KEY"), "fullchain"),
        (pem("PRIVATE KEY"), pem("PRIVATE KEY"), "fullchain"),
        (pem("CERTIFICATE"), pem("CERTIFICATE"), "private_key"),
        (pem("CERTIFICATE"), "-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----", "private_key"),
    ],
)
def test_what_is_no_pem_is_refused_without_being_quoted(chain, key, names):
    rows = Certificates()
    error = refusal(rows.add_custom, custom(chain=chain, key=key), 1.0)
    assert (error.code, names in error.text, "hunter2" in error.text) == ("unprocessable", True, False)
    assert rows.owner("shop.example.com") == ""


def test_they_come_back_without_the_key_and_go_with_their_app():
    rows, key = Certificates(), pem("PRIVATE KEY")
    rows.add_custom(custom(key=key), 1.0)
    document = rows.document("shop.example.com")
    assert key.splitlines()[1] not in str(document) + repr(custom(key=key))
    again = Certificates()
    again.restore({"shop.example.com": document})
    assert again.of("a") == rows.of("a")
    assert again.hostnames() == ["shop.example.com"]
    assert again.drop("a") == [Kept(KIND, "shop.example.com")]
    assert again.document("shop.example.com") is None


def test_long_nonsense_is_refused_at_once():
    rows = Certificates()
    for chain in ("-----BEGIN A-----" + " " * 500_000, "-----BEGIN " + "A" * 500_000, "-----BEGIN A-----" * 50_000):
        assert refusal(rows.add_custom, custom(chain=chain), 1.0).code == "unprocessable"
    assert refusal(parse_hostname, "." * 5_000_000).code == "unprocessable"
