"""What goes over the connection: the handshake, the fields of every message, reading and writing them."""
