"""What a bounty tells: each answer with its schema, and the words and pages for people."""
