"""What `tune` is made of: the plan of a search, its tries, and the account of it."""
