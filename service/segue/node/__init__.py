"""One pod: sessions are driven here, counted here, and let go here when the pod stops."""
