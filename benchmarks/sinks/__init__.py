"""What `benchmarks/load.py` sends to: servers so plain that what is late is the generator."""
