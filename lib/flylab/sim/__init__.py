"""Days and weeks in seconds: the platform's own rules under a virtual clock, with machines that are durations."""
