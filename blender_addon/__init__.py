"""The Blender side: panel, operators, jobs, keyframes, export."""
