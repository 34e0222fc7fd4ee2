"""How labelled images of any layout become one `Dataset`: folders, tables, archives, memory."""
