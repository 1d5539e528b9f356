"""Published figures with their sources, carried as package data, and their readers."""
