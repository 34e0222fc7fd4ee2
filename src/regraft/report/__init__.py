"""Text and HTML over plain data."""
