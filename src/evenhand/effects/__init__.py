"""Effects: what a condition costs each group beyond what it costs the others."""
