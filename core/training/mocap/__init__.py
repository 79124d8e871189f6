"""Motion capture files to training sets: one reader a format, the 17 joints, the packed file."""
