"""What a month of rooms costs on Fly, on Durable Objects, Lambda, Fargate, EC2 and Vultr: a pure model of list prices.

Nothing here is measured; the quantities come from a ``Workload``, which the reader sets.
"""

from flylab.costs.bills import TODAY, Bill, Line, Offer, bill, bills
from flylab.costs.questions import break_even, curve, rows, sensitivity, statement
from flylab.costs.workload import GB, MONTH, Setup, Workload

__all__ = [
    "GB",
    "MONTH",
    "TODAY",
    "Bill",
    "Line",
    "Offer",
    "Setup",
    "Workload",
    "bill",
    "bills",
    "break_even",
    "curve",
    "rows",
    "sensitivity",
    "statement",
]
