"""Rigs, characters and export targets as data."""
