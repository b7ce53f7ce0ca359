//! The tools that the conformance suite of MCP calls, as far as a plugin has to do with them: content,
//! failures, progress and schemas.
//!
//! The suite knows them as `test_simple_text` and so on; a test program puts `_` for `-` and serves them
//! under those names (`tests/src/bin/mcp-fixtures`), together with what is the host's own to do.
//!
//! Not here: what the suite looks for (its own code says it), and which of it is not offered
//! (`tests/accept/mcp`).

mod content;
mod process;
mod schema;

ax_sdk::plugin!(
    tools: [
        content::a_noop,
        content::greet,
        content::test_simple_text,
        content::test_image_content,
        content::test_audio_content,
        content::test_embedded_resource,
        content::test_multiple_content_types,
        process::test_error_handling,
        process::test_logging_tool,
        process::test_reconnection,
        process::test_tool_with_progress,
        process::test_waiting,
        schema::contact,
    ],
);
