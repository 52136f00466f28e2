"""marvel: a control plane for AI agent sessions."""

__version__ = "0.1.0"
