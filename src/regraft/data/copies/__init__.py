"""Pictures of the same thing: near copies and groups that nobody named."""
