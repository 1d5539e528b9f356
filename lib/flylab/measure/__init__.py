"""Observations, how they are taken and what is said about them."""
