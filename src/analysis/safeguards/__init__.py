"""What no study can forget: people, privacy, secrets, hostile text."""
