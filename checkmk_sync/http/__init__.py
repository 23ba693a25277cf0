"""Requests, urllib3 and JSON: one request from its preparation to its decoded answer."""
