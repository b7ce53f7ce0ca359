//! `ax mcp serve`, as a client sees it: the real program, message by message.

mod client;
mod ending;
mod http;
mod malformed;
mod tools;
mod web;
