"""Comparisons: sets of rows, their rates, and differences judged together."""
