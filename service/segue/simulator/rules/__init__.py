"""What a client can do wrong, and how the service says so."""
