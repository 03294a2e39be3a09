"""Metrics of any two columns."""
