"""Every fault of the simulator's catalogue at every moment of a session, each in a scripted world of its own.

    a fault (row) at a moment (column) ──stage──▶ histories ──noticed──▶ what the user notices ──table──▶ MATRIX.md

`python -m tests.world.matrix` writes the table anew.
"""
