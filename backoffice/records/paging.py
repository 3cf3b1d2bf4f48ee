LISTED = 10_000
"""Rows of a list that are counted and can be turned to. Nobody reads on; people search and filter instead."""
