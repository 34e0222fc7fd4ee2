"""Every speed and accuracy claim of this project, measured: `make bench`, or `make bench ONLY="extract refit"`."""
