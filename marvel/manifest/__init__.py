"""Manifests: TOML or YAML → resources, and back. Every validation message a user can see is made here.

In the order data visits it: `reading` (files, all problems at once) · `toml_text`, `yaml_text` (text →
document, lines) · `table` (every field: the one truth) with its kinds of values in `kinds`, `quantities`,
`lists`, `durations` and `places` · `check` and `hints` (document against table) · `rules` (fields and names
against each other) · `build` (→ specs) · `writing`, `schema`, `programs` (what else comes from the table and
the specs) · `problems` (the messages).
"""

from marvel.manifest.programs import missing_commands
from marvel.manifest.reading import read, read_all
from marvel.manifest.schema import schema
from marvel.manifest.writing import to_toml

__all__ = ["missing_commands", "read", "read_all", "schema", "to_toml"]
