"""Building blocks shared by all packages: requests and responses, cancellation, clocks, secrets and texts."""
