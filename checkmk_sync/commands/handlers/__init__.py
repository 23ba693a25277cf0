"""The code of the commands. It is imported when a command runs."""
