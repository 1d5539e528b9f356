"""The settings of exchanges and of all that has to do with replays, from the settings file and the command line."""

from http import HTTPStatus

from flylab.errors import UsageError
from flylab.local.settings import overridden
from flylab.rules.limits import ExchangeSettings
from flylab.rules.replay_cache import CacheSettings
from flylab.rules.replay_settings import ReplaySettings
from flylab.rules.statuses import StatusSettings
from flylab.rules.upgrades import UpgradeSettings, parse_upgrades
from flylab.wire import headers

TABLES = ("replay", "replay_cache", "statuses", "upgrades")


def exchange_settings(tables: dict[str, dict[str, object]], ws_replay: tuple[str, ...] = ()) -> ExchangeSettings:
    """``ws_replay`` are the words of the option of that name; raises UsageError or ParseError in one sentence."""
    replay = overridden(ReplaySettings(), tables, "replay")
    if sorted(map(str, replay.precedence)) != sorted(headers.CHOOSING):
        raise UsageError(f"setting 'replay.precedence' is not an order of {', '.join(headers.CHOOSING)}")
    if replay.source not in ("first", "last"):
        raise UsageError(f"setting 'replay.source' is '{replay.source}', 'first' or 'last' is expected")
    if wrong := [each for each in replay.organizations if str(each).count(">") != 1]:
        raise UsageError(f"setting 'replay.organizations' has {wrong[0]!r}, a text like 'ours>theirs' is expected")
    statuses = overridden(StatusSettings(), tables, "statuses")
    for name in StatusSettings.__slots__:
        status = getattr(statuses, name)
        if not 400 <= status < 600 or status not in list(HTTPStatus):
            raise UsageError(f"setting 'statuses.{name}' is {status}, which is no status of an error")
    cache = overridden(CacheSettings(), tables, "replay_cache")
    if cache.entries < 1:
        raise UsageError(f"setting 'replay_cache.entries' is {cache.entries}, it must be above 0")
    upgrades = overridden(UpgradeSettings(), tables, "upgrades")
    whole = ExchangeSettings(
        replay=replay, statuses=statuses, cache=cache, upgrades=parse_upgrades(ws_replay, upgrades)
    )
    return overridden(whole, tables, "exchange")
