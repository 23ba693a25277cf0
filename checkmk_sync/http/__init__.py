"""The HTTP layer: prepares a request, sends it with requests and urllib3, and decodes the answer."""
