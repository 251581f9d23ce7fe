"""What is on the disk: safetensors headers, GGUF files, LoRA adapters."""
