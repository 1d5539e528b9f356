"""What `benchmarks/rooms.py` makes of its runs: medians and ratios, the table, the page."""
