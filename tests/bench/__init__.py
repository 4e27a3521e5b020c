"""`python -m tests.bench`: what carrying a session costs, measured against a plain gateway and a transparent relay."""
