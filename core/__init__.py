"""Tracks, lifting and world motion: everything that needs neither Blender nor a rig."""
