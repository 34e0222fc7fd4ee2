"""`python -m regraft` is the command `regraft`, for whoever has several Pythons."""

from regraft.cli import main

main()
