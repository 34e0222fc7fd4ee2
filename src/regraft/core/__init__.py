"""What every other floor stands on: shapes, errors, hashing, seeds, files, settings, progress, cores."""
