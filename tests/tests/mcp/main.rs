//! `ax mcp serve`, as a client sees it: the real program, message by message.

mod approval;
mod client;
mod ending;
mod http;
mod malformed;
mod tasks;
mod tools;
mod web;
mod works;
