"""What proves an improvement, and the account of what the sealed rows have given away."""
