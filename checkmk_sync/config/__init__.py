"""Settings, the configuration file, and where secrets come from."""
