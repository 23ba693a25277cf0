"""The client for one site: nouns, records, queries, bulk calls, and the settling of writes whose answer was lost."""
