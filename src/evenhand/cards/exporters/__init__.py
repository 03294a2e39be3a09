"""A card in the formats of others, each with what it can hold; nothing is computed."""
