"""The Machines API as typed calls, the same against the local platform and Fly."""
