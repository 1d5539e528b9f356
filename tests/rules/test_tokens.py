"""Tokens of apps and what their holders may do."""

import pytest

from flylab.errors import RuleError
from flylab.rules.actions import Kept
from flylab.rules.rights import Holder
from flylab.rules.tokens import KIND, LIFE, CreateToken, Tokens, digest


def create(tokens, text, app="a", life=10.0, now=0.0):
    return tokens.create(CreateToken(app=app, id=text, hash=digest(text), life=life), now)


def test_a_token_is_known_until_it_expires():
    tokens = Tokens()
    assert create(tokens, "t") == [Kept(KIND, digest("t"))]
    assert tokens.find("t", 9.9).app == "a"
    assert tokens.find("t", 10.0) is None
    assert tokens.find(digest("t"), 1.0) is None


def test_what_is_kept_is_a_hash():
    tokens = Tokens()
    create(tokens, "the-token")
    tokens.create(CreateToken(app="a", id="id", hash=digest("the-token")), 0.0)
    document = tokens.document(digest("the-token"))
    assert "the-token" not in str(document)
    again = Tokens()
    again.restore({digest("the-token"): document})
    assert again.find("the-token", LIFE - 1).id == "id"


@pytest.mark.parametrize("life", [0.0, -1.0])
def test_it_must_live(life):
    with pytest.raises(RuleError, match="expiry is not in the future"):
        create(Tokens(), "t", life=life)


def test_expired_ones_are_forgotten_at_the_next():
    tokens = Tokens()
    create(tokens, "old")
    create(tokens, "others", app="b")
    assert create(tokens, "new", now=20.0) == [Kept(KIND, digest("old")), Kept(KIND, digest("new"))]
    assert tokens.document(digest("old")) is None
    assert tokens.document(digest("others"))


def test_they_go_with_their_app():
    tokens = Tokens()
    create(tokens, "t")
    assert tokens.drop("a") == [Kept(KIND, digest("t"))]
    assert tokens.find("t", 1.0) is None


ORG, APP, MACHINE = Holder(), Holder(app="a"), Holder(app="a", machine="m")


@pytest.mark.parametrize(
    ("holder", "operation", "app", "machine", "refused"),
    [
        (ORG, "Apps_create", "", "", ""),
        (ORG, "Machines_create", "b", "", ""),
        (ORG, "App_create_deploy_token", "a", "", ""),
        (APP, "Machines_create", "a", "", ""),
        (APP, "Secrets_update", "a", "", ""),
        (APP, "Apps_delete", "a", "", ""),
        (APP, "Platform_regions_get", "", "", ""),
        (APP, "CurrentToken_show", "", "", ""),
        (APP, "Apps_create", "", "", "forbidden"),
        (APP, "Apps_list", "", "", "forbidden"),
        (APP, "Machines_org_list", "", "", "forbidden"),
        (APP, "Volumes_org_list", "", "", "forbidden"),
        (APP, "App_create_deploy_token", "a", "", "forbidden"),
        (APP, "Apps_show", "b", "", "forbidden"),
        (APP, "Machines_show", "b", "m", "forbidden"),
        (APP, "Apps_show", "free", "", "not_found"),
        (MACHINE, "Machines_suspend", "a", "m", ""),
        (MACHINE, "Machines_update_metadata", "a", "m", ""),
        (MACHINE, "Machines_stop", "a", "other", "forbidden"),
        (MACHINE, "Machines_create", "a", "", "forbidden"),
        (MACHINE, "Apps_delete", "a", "", "forbidden"),
        (MACHINE, "Secrets_update", "a", "", "forbidden"),
        (MACHINE, "Machines_show", "b", "m", "forbidden"),
        (MACHINE, "Apps_list", "", "", "forbidden"),
        (MACHINE, "Tokens_request_OIDC", "", "", ""),
    ],
)
def test_who_may_change_what(holder, operation, app, machine, refused):
    code = ""
    try:
        holder.permit(operation, app, machine, app_exists=app != "free", reads=False)
    except RuleError as exc:
        code = exc.code
    assert code == refused


def test_a_machine_may_look_at_its_neighbours_and_not_at_secrets():
    for operation, machine in (("Machines_list", ""), ("Machines_show", "other"), ("Apps_show", "")):
        MACHINE.permit(operation, "a", machine, app_exists=True, reads=True)
    for operation in ("Secrets_list", "Secret_get"):
        with pytest.raises(RuleError, match="reads no secrets"):
            MACHINE.permit(operation, "a", "", app_exists=True, reads=True)
