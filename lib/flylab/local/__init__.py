"""The platform on one computer: the Machines API, one edge per region, machines as processes."""
