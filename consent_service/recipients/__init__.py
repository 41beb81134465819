"""Telling recipients what was asked for and done: erased, corrected, restricted, objected to."""
