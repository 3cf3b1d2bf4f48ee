"""The second factor: a code from a phone, after the password. For who sets it up, and for whom a role requires it."""
