"""Many cards side by side: services and versions, the worst group of each."""
