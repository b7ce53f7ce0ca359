//! Conversations of `ax chat`, each a file of its own, so that a person can go on with one, or throw it away.
//!
//! Invariant: a file is replaced whole and is this user's alone; what is damaged or of a newer ax is refused
//! and left as it is. Only one in which nothing was answered is removed.
//! Not here: what is said in it (`chat`), asking (`router`).

use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::App;
use crate::chat::{Message, PartKind, RequestId, Role};
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
    /// Takes back what nobody answered at its end, so that what could not be sent does not stand in the way
    /// of what is said next.
    pub fn forget_unanswered(&mut self) {
        while self.messages.last().is_some_and(|last| last.role == Role::User) {
            self.messages.pop();
        }
    }

    /// Lists the calls of tools at its end that have no answer.
    pub fn open_calls(&self) -> impl Iterator<Item = &crate::chat::ToolCall> {
        let last = self.messages.last().filter(|last| last.role == Role::Assistant);
        last.into_iter().flat_map(|last| &last.parts).filter_map(|part| match &part.kind {
            PartKind::ToolCall(call) => Some(call),
            _ => None,
        })
    }
}

impl App {
    /// Begins a conversation; nothing is written yet.
    ///
    /// # Errors
    ///
    /// When the system gives no random numbers.
    pub fn new_conversation(&self) -> Result<Conversation, super::ModelsError> {
        let (id, began_at_ms) = (self.request_id()?, self.clock.now_ms());
        Ok(Conversation { version: VERSION, id, began_at_ms, messages: Vec::new() })
    }

    /// Reads a conversation by its name, or the one that was changed last.
    ///
    /// # Errors
    ///
    /// [`ConversationError`].
    pub fn conversation(&self, id: Option<&str>) -> Result<Conversation, ConversationError> {
        let path = match id {
            None => self.last_conversation()?,
            Some(id) => {
                let not_found = || ConversationError::NotFound { id: id.to_owned() };
                let id: uuid::Uuid = id.parse().map_err(|_| not_found())?;
                let path = self.conversation_path(RequestId(id));
                if !path.exists() {
                    return Err(not_found());
                }
                path
            }
        };
        read(&path)
    }

    /// Keeps a conversation as it is now.
    ///
    /// # Errors
    ///
    /// [`ConversationError::File`]; what was kept before is then still there.
    pub fn keep_conversation(&self, it: &Conversation) -> Result<(), ConversationError> {
        let path = self.conversation_path(it.id);
        let text = serde_json::to_vec(it).expect("messages are JSON");
        replace(&path, &text).map_err(|source| ConversationError::File { path, source })
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

/// Puts a file in the place of another, for this user alone.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().expect("it lies in a folder of the home");
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let beside = path.with_extension(format!("{}.tmp", std::process::id()));
    let mut options = std::fs::OpenOptions::new();
    let opened = options.write(true).create(true).truncate(true).mode(0o600).open(&beside);
    let put = opened.and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()?;
        fs_err::rename(&beside, path)
    });
    put.inspect_err(|_| drop(fs_err::remove_file(&beside)))
}
