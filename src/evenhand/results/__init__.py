"""Results: the values that every answer shares, and how answers go to JSON and back."""
