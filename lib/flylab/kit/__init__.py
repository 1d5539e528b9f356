"""What the notebooks, the suite and the write-up use and nothing else does."""
