"""Metrics of scores that rank people."""
