"""From folders and tables to pixels: reading, splitting, decoding, views."""
