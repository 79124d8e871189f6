"""Readers of keypoint files: one file for each format, found by content."""
