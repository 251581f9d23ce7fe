"""An HTTP server with the OpenAI API for a proxy-tuned model.

Only the engine's thread imports torch.
"""
