"""Disclosure: which numbers must be hidden so that no small group can be told, and the attack that tries."""
