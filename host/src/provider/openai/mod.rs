//! OpenAI's chat completions, and whoever speaks like it.
