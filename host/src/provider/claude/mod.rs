//! Claude's Messages.
