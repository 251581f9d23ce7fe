"""Every run as it happens, in SQLite: kept, found again, repeated and exported. No Qt, no torch."""
