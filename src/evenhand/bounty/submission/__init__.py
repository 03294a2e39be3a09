"""What a hunter sends: a group and a model for it."""
