"""Who calls: known by a bearer token, by a JSON Web Token or by a client certificate, or refused."""
