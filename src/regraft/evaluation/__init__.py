"""How good a classifier is, how sure we are, and which of two is better."""
