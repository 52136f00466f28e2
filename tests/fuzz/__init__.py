"""Mutation fuzzing of everything that parses the words of an agent or of tmux. `just fuzz` runs it."""
