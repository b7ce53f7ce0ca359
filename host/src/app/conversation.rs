//! Conversations of `ax chat`, each a file of its own, so that a person can go on with one, or throw it away.
//!
//! Invariant: a file is replaced whole and is this user's alone; what is damaged or of a newer ax is refused
//! and left as it is. Only one in which nothing was answered is removed.
//! Not here: what is said in it (`chat`), asking (`router`).

use std::fs::{File, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::App;
use crate::chat::{Message, Part, PartKind, RequestId, Role, ToolCall, ToolResult};
use crate::folder;

/// Where they lie in the home.
const FOLDER: &str = "conversations";

/// Bytes of one: a thousand messages of some length, pictures among them.
pub const CONVERSATION_BYTES_MAX: u64 = 256 << 20;

/// The form of the file.
const VERSION: u32 = 1;

/// What a person and a model said to each other.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Conversation {
    version: u32,
    /// Names it, and its file.
    pub id: RequestId,
    /// When it began, in milliseconds since 1970 UTC.
    pub began_at_ms: u64,
    /// What was said, oldest first.
    pub messages: Vec<Message>,
}

/// Why a conversation cannot be kept or gone on with.
#[derive(Debug, thiserror::Error)]
pub enum ConversationError {
    /// There is none.
    #[error("there is no conversation to go on with")]
    None,
    /// There is none of that name.
    #[error("there is no conversation `{id}`")]
    NotFound {
        /// The name.
        id: String,
    },
    /// Another program goes on with it.
    #[error("another ax goes on with the conversation `{id}`")]
    InUse {
        /// The name.
        id: String,
    },
    /// Its file is damaged.
    #[error("the conversation `{path}` is damaged: {why}", path = .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// It was written by a newer ax.
    #[error("the conversation `{path}` was written by a newer ax", path = .path.display())]
    Newer {
        /// The file.
        path: PathBuf,
    },
    /// The system does not let it be read or written.
    #[error("the conversation `{path}` cannot be read or kept", path = .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
}

impl ConversationError {
    /// Says what the user can do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::None => "ax chat begins one".to_owned(),
            Self::NotFound { .. } => "ax chat --continue goes on with the last one".to_owned(),
            Self::InUse { .. } => "wait until it is done, or begin another: ax chat".to_owned(),
            Self::Damaged { path, .. } => {
                format!("move it away: mv {0} {0}.old", super::quoted(&path.display()))
            }
            Self::Newer { .. } => "use the newer ax, or begin another: ax chat".to_owned(),
            Self::File { path, .. } => {
                format!("look whose it is, and at the space on its disk: ls -ld {}", {
                    super::quoted(&path.display())
                })
            }
        })
    }
}

impl Conversation {
    /// Lists the calls of tools of the last answer that have no result.
    pub fn open_calls(&self) -> impl Iterator<Item = &ToolCall> {
        let last = self.messages.iter().rposition(|it| it.role == Role::Assistant);
        let after = last.map_or(&[][..], |at| &self.messages[at + 1..]);
        let has_result = |call: &ToolCall| {
            let mut parts = after.iter().flat_map(|it| &it.parts);
            parts.any(|it| matches!(&it.kind, PartKind::ToolResult(result) if result.id == call.id))
        };
        let calls = last.into_iter().flat_map(|at| &self.messages[at].parts);
        calls.filter_map(move |part| match &part.kind {
            PartKind::ToolCall(call) if !has_result(call) => Some(call),
            _ => None,
        })
    }

    /// Adds what a tool answered.
    pub fn answer(&mut self, result: ToolResult) {
        let part = Part::from(PartKind::ToolResult(result));
        match self.messages.last_mut().filter(|last| last.role == Role::Tool) {
            Some(results) => results.parts.push(part),
            None => {
                let parts = vec![part];
                self.messages.push(Message { parts, ..Message::text(Role::Tool, "") });
            }
        }
    }

    /// Closes what a program left open that ended before its tools answered.
    fn close_calls(&mut self) {
        let open: Vec<ToolCall> = self.open_calls().cloned().collect();
        for ToolCall { id, name, .. } in open {
            let text = "the program ended before this answered; whether it was done is not known";
            let text = text.to_owned();
            self.answer(ToolResult { id, name, text, images: Vec::new(), is_error: true });
        }
    }
}

/// Keeps a conversation for one program, so that two do not write over each other.
pub struct ConversationLock {
    path: PathBuf,
    _file: File,
}

impl Drop for ConversationLock {
    fn drop(&mut self) {
        // While it is held: whoever takes it next looks whether it is still there.
        fs_err::remove_file(&self.path).ok();
    }
}

impl App {
    /// Keeps a conversation for this program, for as long as what is returned lives.
    ///
    /// # Errors
    ///
    /// [`ConversationError::InUse`] if another program has it.
    pub fn hold_conversation(&self, id: RequestId) -> Result<ConversationLock, ConversationError> {
        let path = self.conversation_path(id).with_extension("lock");
        hold(&path)?.ok_or_else(|| ConversationError::InUse { id: id.to_string() })
    }

    /// Begins a conversation; nothing is written yet.
    ///
    /// # Errors
    ///
    /// When the system gives no random numbers.
    pub fn new_conversation(&self) -> Result<Conversation, super::ModelsError> {
        let (id, began_at_ms) = (self.request_id()?, self.clock.now_ms());
        Ok(Conversation { version: VERSION, id, began_at_ms, messages: Vec::new() })
    }

    /// Finds a conversation by its name, or the one that was changed last.
    ///
    /// # Errors
    ///
    /// [`ConversationError`].
    pub fn conversation_named(&self, id: Option<&str>) -> Result<RequestId, ConversationError> {
        let not_found = |id: &str| ConversationError::NotFound { id: id.to_owned() };
        let Some(text) = id else {
            let path = self.last_conversation()?;
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            return name.parse().map(RequestId).map_err(|_| not_found(&name));
        };
        let id = RequestId(text.parse().map_err(|_| not_found(text))?);
        match self.conversation_path(id).exists() {
            true => Ok(id),
            false => Err(not_found(text)),
        }
    }

    /// Reads a conversation. What a program left open that ended in the middle is closed.
    ///
    /// # Errors
    ///
    /// [`ConversationError`].
    pub fn conversation(&self, id: RequestId) -> Result<Conversation, ConversationError> {
        let mut conversation = read(&self.conversation_path(id))?;
        conversation.close_calls();
        Ok(conversation)
    }

    /// Keeps a conversation as it is now.
    ///
    /// # Errors
    ///
    /// [`ConversationError::File`]; what was kept before is then still there.
    pub fn keep_conversation(&self, it: &Conversation) -> Result<(), ConversationError> {
        let path = self.conversation_path(it.id);
        let text = serde_json::to_vec(it).expect("messages are JSON");
        let put =
            make_folder(&path).and_then(|()| folder::replace_synced(&path, &text, Some(0o600)));
        put.map_err(|source| ConversationError::File { path, source })
    }

    /// Removes a conversation that did not begin.
    pub(super) fn drop_conversation(&self, it: &Conversation) -> Result<(), ConversationError> {
        let path = self.conversation_path(it.id);
        match fs_err::remove_file(&path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                Err(ConversationError::File { path, source })
            }
            Ok(()) | Err(_) => Ok(()),
        }
    }

    fn conversation_path(&self, id: RequestId) -> PathBuf {
        self.config.home.value.join(FOLDER).join(format!("{id}.json"))
    }

    fn last_conversation(&self) -> Result<PathBuf, ConversationError> {
        let folder = self.config.home.value.join(FOLDER);
        let failed = |source| ConversationError::File { path: folder.clone(), source };
        let entries = match fs_err::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(ConversationError::None);
            }
            Err(error) => return Err(failed(error)),
        };
        let mut last = None;
        for entry in entries {
            let path = entry.map_err(failed)?.path();
            if path.extension().is_some_and(|end| end == "json") {
                let changed = fs_err::metadata(&path).and_then(|data| data.modified());
                last = last.max(Some((changed.map_err(failed)?, path)));
            }
        }
        last.map(|(_, path)| path).ok_or(ConversationError::None)
    }
}

fn read(path: &Path) -> Result<Conversation, ConversationError> {
    let damaged = |why: String| ConversationError::Damaged { path: path.to_owned(), why };
    let bytes = folder::open(path).and_then(|file| folder::read(file, CONVERSATION_BYTES_MAX));
    let bytes =
        bytes.map_err(|source| ConversationError::File { path: path.to_owned(), source })?;
    let bytes = bytes
        .ok_or_else(|| damaged(format!("it is longer than {CONVERSATION_BYTES_MAX} bytes")))?;
    #[derive(Deserialize)]
    struct Version {
        version: u32,
    }
    let version: Version = serde_json::from_slice(&bytes).map_err(|it| damaged(it.to_string()))?;
    if version.version > VERSION {
        return Err(ConversationError::Newer { path: path.to_owned() });
    }
    serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string()))
}

/// Takes the lock at a path; nothing if another program has it. Copies that a killed one left are removed.
fn hold(path: &Path) -> Result<Option<ConversationLock>, ConversationError> {
    let failed = |source| ConversationError::File { path: path.to_owned(), source };
    make_folder(path).map_err(failed)?;
    loop {
        let mut options = std::fs::OpenOptions::new();
        let opened = options.write(true).create(true).truncate(false).mode(0o600).open(path);
        let file = opened.map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        let held = file.metadata().map_err(failed)?.ino();
        // Whoever held it may have removed it since it was opened.
        if std::fs::metadata(path).is_ok_and(|it| it.ino() == held) {
            drop(sweep(path));
            return Ok(Some(ConversationLock { path: path.to_owned(), _file: file }));
        }
    }
}

/// Makes the folder of a conversation, for this user alone.
fn make_folder(path: &Path) -> io::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder_of(path))
}

fn folder_of(path: &Path) -> &Path {
    path.parent().expect("it lies in a folder of the home")
}

/// Removes what was being written of a conversation when its program was killed.
fn sweep(lock: &Path) -> io::Result<()> {
    let folder = folder_of(lock);
    let name = lock.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    for entry in fs_err::read_dir(folder)? {
        let path = entry?.path();
        let is_copy = path.extension().is_some_and(|end| end == "tmp");
        let of_it = path.file_name().is_some_and(|it| it.to_string_lossy().starts_with(&name));
        if is_copy && of_it {
            fs_err::remove_file(&path)?;
        }
    }
    Ok(())
}
