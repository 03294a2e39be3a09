"""Files from outside: read without running them, proven to answer row by row, run behind walls."""
