"""What changed from one card to the next: by group beyond noise, and in words."""
