"""The dialog that makes an expert from a person's texts."""
