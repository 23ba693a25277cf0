"""The documentation of the options that several modules have."""

from __future__ import annotations


class ModuleDocFragment:
    """The options of the connection, and of secrets in values."""

    DOCUMENTATION = r"""
requirements:
  - checkmk_sync
attributes:
  check_mode:
    support: full
    description: In check mode, the module changes nothing and returns the result of a real run.
  diff_mode:
    support: full
    description: With C(--diff), the module shows the values that change. Secrets are masked.
options:
  server_url:
    description:
      - URL of the server, without the site. The default is the environment variable E(CHECKMK_SERVER_URL).
    type: str
    required: true
  site:
    description: ID of the site. The default is the environment variable E(CHECKMK_SITE).
    type: str
    required: true
  automation_user:
    description: ID of an automation user. The default is the environment variable E(CHECKMK_USERNAME).
    type: str
    required: true
  automation_secret:
    description: Secret of the user. The default is the environment variable E(CHECKMK_PASSWORD).
    type: str
  automation_secret_file:
    description:
      - File with the secret, in place of O(automation_secret).
      - The default is the environment variable E(CHECKMK_PASSWORD_FILE).
    type: path
  validate_certs:
    description: Whether the certificate of the server is verified.
    type: bool
    default: true
  ca_path:
    description: File with the certificates of the authorities to trust.
    type: path
  settings:
    description:
      - Further settings of the client, by their names in Python, such as C(timeouts) with a dictionary of C(read_s).
      - They appear in the output with C(-vvv), so they must not contain secrets.
    type: dict
    default: {}
"""

    SECRETS = r"""
options:
  secrets:
    description:
      - Secrets by their names. A value contains C(secret:NAME) in place of the secret.
      - The module never shows them.
    type: dict
    default: {}
"""
