"""regraft: graft a pretrained vision network onto your own image classes."""
