"""Every speed and accuracy claim, measured: `make bench`, or `make bench ONLY="extract refit"`."""
