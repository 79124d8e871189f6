"""Joint positions to bone rotations on any rig; knows nothing of Blender."""
