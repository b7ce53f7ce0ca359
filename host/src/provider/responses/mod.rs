//! OpenAI's Responses.
