"""An installation moves from SQLite to PostgreSQL: every row, under its key, counted and compared."""
