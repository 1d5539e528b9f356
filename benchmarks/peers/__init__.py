"""Room servers of others, to run beside this project's own: one small file each, and how to speak to them.

`servers` has what starts each (``PEERS``), installs it on demand (``prepare``) and says what it is (``versions``);
`dialects` says what is on the wire (``DIALECTS``); `check.py` sees each one work. Where a dialect has ``arrive``, the
path to connect to is ``await dialect.arrive(room, port)`` and not ``dialect.path(room)``: there a seat is booked first.
"""
