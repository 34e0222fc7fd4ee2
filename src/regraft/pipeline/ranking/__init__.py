"""Which network to graft: who takes part, on which images, who stays, and who is recommended."""
