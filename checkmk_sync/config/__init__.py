"""Settings, the configuration file, sources of secrets, and YAML and JSON documents with line numbers."""
