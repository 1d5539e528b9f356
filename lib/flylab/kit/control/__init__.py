"""The control room: a live picture of a local platform, what can be done to it, and how it is shown."""
