"""The deployed model: updates, pointers back, and how it leaves the bounty."""
