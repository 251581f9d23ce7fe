"""The conversation: its turns, the entry of messages, and the switch between text and chat."""
