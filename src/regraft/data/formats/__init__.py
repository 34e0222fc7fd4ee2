"""How files of pictures become arrays of one kind: formats, colour, depth, pages, and what is refused."""
