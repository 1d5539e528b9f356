"""What the notebooks and the site are made with; nothing else may depend on it."""
