"""What lies in the database so that a copy of it says nothing: by keys that are in the environment alone."""
