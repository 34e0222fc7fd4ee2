"""Pretrained networks: what they are, where they come from, how they run."""
