"""Questions: what is asked of a table, what must hold before it can be answered, and what it lacks."""
