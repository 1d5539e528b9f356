"""What the platform decides, as pure functions of state, event and time."""
