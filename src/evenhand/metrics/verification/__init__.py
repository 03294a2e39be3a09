"""Metrics of face and speaker verification."""
