"""Vocabulary that every package shares: calls, clocks, texts, documents."""
