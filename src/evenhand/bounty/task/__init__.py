"""What a bounty is about: rows, labels, losses, and who is in a group."""
