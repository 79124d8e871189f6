"""Pose and Track to Motion: root path, gravity, floor, contacts, smoothing."""
