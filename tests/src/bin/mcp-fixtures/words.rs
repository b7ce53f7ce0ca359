//! What went wrong with a plugin's tool, in the words of its error. The product has better ones: they are
//! the command line's, and tested there.

use ax_host::app::{Misfit, TaskError, ToolsError};
use ax_host::plugin::{CallError, Report};
use ax_host::server::mcp::{Explain, Explained, Stop};
use ax_host::workflow::TaskId;
use ax_manifest::ToolId;

pub(crate) struct Words;

impl Explain for Words {
    fn unready(&self, error: ToolsError) -> Explained {
        explained(error.to_string())
    }

    fn failed(&self, _id: &ToolId, report: Report) -> Explained {
        explained(report.result.err().unwrap_or(CallError::Lost).to_string())
    }

    fn unbegun(&self, error: TaskError) -> Explained {
        explained(error.to_string())
    }

    fn stopped(&self, _task: TaskId, how: Stop) -> Explained {
        explained(match how {
            Stop::Failed { failure, .. } => failure.message,
            Stop::Rests { why } => why.word().to_owned(),
        })
    }

    fn unfit(&self, _misfit: &Misfit) {}
}

fn explained(message: String) -> Explained {
    Explained { code: "test".to_owned(), message, hint: None, kind: "failed" }
}
