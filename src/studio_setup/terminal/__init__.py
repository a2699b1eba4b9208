"""One terminal: lines go in, replies come out."""
