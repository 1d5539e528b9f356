"""The load generator of `benchmarks/rooms.py`: members as bare sockets, in a process of their own."""
