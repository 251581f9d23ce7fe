"""llama.cpp as an engine: GGUF files as language models, by the C API of llama-cpp-python."""
