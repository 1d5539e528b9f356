"""The room server: a lobby and rooms with chat and cursors, each room held by exactly one machine."""
