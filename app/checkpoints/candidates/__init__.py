"""Models on this disk, and which of them can be roles of one recipe. Imports no torch."""
