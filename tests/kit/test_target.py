"""What a run on Fly may cost at most is reckoned with the newest published prices."""

from datetime import date

from flylab.kit.target import HOURS_AT_MOST, cost_bound
from flylab.published.network import regions
from flylab.published.prices import asked, multiplier

TODAY = date(2026, 11, 27)


def test_no_region_is_dearer_than_the_bound():
    hour = 3600 * asked("Fly.io", "Machines", "shared-cpu-1x 256 MB started", TODAY).price
    dearest = max(multiplier(region.code, TODAY).price for region in regions() if not region.deprecated)
    assert hour * dearest * HOURS_AT_MOST <= cost_bound(1) < 1.1 * hour * dearest * HOURS_AT_MOST
