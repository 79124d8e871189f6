"""Training and evaluation of lifters; the only room that imports torch at once."""
