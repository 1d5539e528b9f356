"""What belongs to an app beside its machines and goes with it: secrets, addresses, hostnames, tokens, policies."""

from flylab.rules import addresses, certificates, policies, secret_keys, secrets, tokens
from flylab.rules.actions import Kept
from flylab.rules.addresses import Addresses
from flylab.rules.certificates import Certificates
from flylab.rules.policies import Policies
from flylab.rules.records import AppOrder, Collection
from flylab.rules.secrets import Secrets, SecretSettings
from flylab.rules.tokens import Tokens


class Belongings:
    """Carries out each ``AppOrder``; whoever calls has made sure that the app is there."""

    def __init__(self, settings: SecretSettings) -> None:
        self.secrets = Secrets(settings)
        self.addresses = Addresses()
        self.certificates = Certificates()
        self.tokens = Tokens()
        self.policies = Policies()

    def collections(self) -> dict[str, Collection]:
        return {
            secrets.KIND: self.secrets,
            addresses.KIND: self.addresses,
            certificates.KIND: self.certificates,
            tokens.KIND: self.tokens,
            policies.KIND: self.policies,
        }

    def apply(self, event: AppOrder, now: float) -> list[Kept]:
        """Decide and change; raises ``RuleError`` and changes nothing when refused."""
        match event:
            case secrets.SetSecrets():
                return self.secrets.set(event, now)
            case secrets.DeleteSecret():
                return self.secrets.delete(event)
            case secret_keys.PutKey():
                return self.secrets.put_key(event, now)
            case secret_keys.DeleteKey():
                return self.secrets.delete_key(event)
            case addresses.AssignAddress():
                return self.addresses.assign(event, now)
            case addresses.ReleaseAddress():
                return self.addresses.release(event)
            case certificates.AddAcme():
                return self.certificates.add_acme(event, now)
            case certificates.AddCustom():
                return self.certificates.add_custom(event, now)
            case certificates.RemoveAcme():
                return self.certificates.remove_acme(event, now)
            case certificates.RemoveCustom():
                return self.certificates.remove_custom(event, now)
            case certificates.RemoveHostname():
                return self.certificates.remove(event)
            case tokens.CreateToken():
                return self.tokens.create(event, now)
            case policies.PutPolicy():
                return self.policies.put(event)
            case policies.DeletePolicy():
                return self.policies.delete(event)
            case _:
                raise TypeError(f"no rule for {type(event).__name__}")

    def drop(self, app: str) -> list[Kept]:
        """The app is gone."""
        everything = (self.secrets, self.addresses, self.certificates, self.tokens, self.policies)
        return [kept for each in everything for kept in each.drop(app)]
