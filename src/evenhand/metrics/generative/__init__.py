"""Metrics of what generative services say: bias of answers, who is mentioned."""
