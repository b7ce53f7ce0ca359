//! What went wrong with a plugin's tool, in the words of its error. The product has better ones: they are
//! the command line's, and tested there.

use ax_host::app::ToolsError;
use ax_host::plugin::{CallError, Report};
use ax_host::server::mcp::{Explain, Explained};
use ax_manifest::ToolId;

pub(crate) struct Words;

impl Explain for Words {
    fn unready(&self, error: ToolsError) -> Explained {
        explained(error.to_string())
    }

    fn failed(&self, _id: &ToolId, report: Report) -> Explained {
        explained(report.result.err().unwrap_or(CallError::Lost).to_string())
    }
}

fn explained(message: String) -> Explained {
    Explained { code: "test".to_owned(), message, hint: None, kind: "failed" }
}
