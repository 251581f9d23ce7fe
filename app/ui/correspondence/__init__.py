"""What in a text corresponds to what: tokens of the base beside those of a bridged pair."""
