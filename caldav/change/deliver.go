package change
