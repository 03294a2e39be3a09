"""Metrics of transcripts."""
