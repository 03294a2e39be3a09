"""Engines that hold rows: each answers queries, and says what it can do."""
