//! The folder of the cases: its texts, named in errors as seen from there, and copies of what is in it.
//!
//! Invariant: what is copied is bounded, and holds no links.
//! Not here: how files are opened and replaced (`crate::folder`); which files a case may name (`given`).

use std::io::{ErrorKind, Read as _};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use ax_manifest::ByteSize;
use fs_err as fs;

use crate::folder::{FileError, OpenFolder};

/// Folders within each other in what is copied: each is held open on the way down.
const DEPTH_MAX: usize = 32;

/// Why a file or a folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TreeError {
    /// It leads elsewhere.
    #[error("`{name}` is a link, and none is followed")]
    Link {
        /// Its name, as seen from the folder.
        name: String,
    },
    /// It is a folder, a pipe or a device.
    #[error("`{name}` is no ordinary file")]
    NotAFile {
        /// Its name.
        name: String,
    },
    /// It is too long.
    #[error("`{name}` has more than {}", ByteSize(*.bytes_max))]
    TooLong {
        /// Its name.
        name: String,
        /// The bound.
        bytes_max: u64,
    },
    /// It is no text.
    #[error("`{name}` is not UTF-8 text")]
    NotText {
        /// Its name.
        name: String,
    },
    /// There is too much in it.
    #[error("`{name}` holds more than {bound}")]
    TooMuch {
        /// The folder.
        name: String,
        /// What it may hold.
        bound: String,
    },
    /// The operating system refuses.
    #[error("`{name}` cannot be {done}")]
    System {
        /// Its name.
        name: String,
        /// What was to be done.
        done: &'static str,
        /// What it says.
        source: std::io::Error,
    },
}

impl TreeError {
    /// Says it on one line, with what the operating system says.
    pub(super) fn in_full(&self) -> String {
        match self {
            Self::System { source, .. } => format!("{self}: {source}"),
            other => other.to_string(),
        }
    }

    /// Answers whether there just is no such file.
    pub(super) fn is_absent(&self) -> bool {
        matches!(self, Self::System { source, .. } if source.kind() == ErrorKind::NotFound)
    }
}

/// What may still be copied.
pub(super) struct Room {
    pub(super) files_max: usize,
    pub(super) bytes_max: u64,
}

/// A folder that is open.
pub(super) struct Tree {
    /// What it is called in errors, before the names in it.
    shown: PathBuf,
    folder: OpenFolder,
}

impl Tree {
    /// Opens a folder that a person or this program named.
    pub(super) fn at(path: &Path) -> Result<Self, TreeError> {
        let folder = OpenFolder::at(path).map_err(|source| system(path, "read", source))?;
        Ok(Self { shown: PathBuf::new(), folder })
    }

    /// Opens a folder in it. What is in that is named without it.
    pub(super) fn root(&self, name: &str) -> Result<Self, TreeError> {
        Ok(Self { shown: PathBuf::new(), ..self.folder(Path::new(name))? })
    }

    /// Opens a folder somewhere below it.
    pub(super) fn folder(&self, name: &Path) -> Result<Self, TreeError> {
        let folder = self.folder.below(name).map_err(|error| self.told("read", error))?;
        Ok(Self { shown: self.shown.join(name), folder })
    }

    /// Returns the names in it that end like this, sorted; more than `names_max` are too many.
    pub(super) fn names(&self, end: &str, names_max: usize) -> Result<Vec<PathBuf>, TreeError> {
        let failed = |source| system(&self.shown, "read", source);
        let mut names = Vec::new();
        for entry in self.folder.entries().map_err(failed)? {
            let name = PathBuf::from(entry.map_err(failed)?.file_name());
            if name.extension().is_some_and(|kind| kind == end) {
                names.push(name);
            }
            if names.len() > names_max {
                return Err(self.too_much(format!("{names_max} files of the kind .{end}")));
            }
        }
        names.sort();
        Ok(names)
    }

    /// Reads a text of at most `bytes_max`.
    pub(super) fn read(&self, name: &Path, bytes_max: u64) -> Result<String, TreeError> {
        let bytes = self.folder.read(name, bytes_max).map_err(|error| self.told("read", error))?;
        String::from_utf8(bytes)
            .map_err(|_| TreeError::NotText { name: text(&self.shown.join(name)) })
    }

    /// Writes a text in the place of another, or where there was nothing, with the folders it lies in.
    pub(super) fn replace(&self, name: &Path, content: &str) -> Result<(), TreeError> {
        let put = self.folder.replace(name, content.as_bytes());
        put.map_err(|error| self.told("written", error))
    }

    /// Copies what is in it to `to`, which is nobody else's. Links, pipes and devices are left out.
    pub(super) fn copy_to(&self, to: &Path, room: &Room) -> Result<(), TreeError> {
        let mut left = Room { ..*room };
        self.copy_level(to, DEPTH_MAX, &mut left).map_err(|stopped| match stopped {
            Stopped::Failed(error) => error,
            Stopped::Deep => self.too_much(format!("{DEPTH_MAX} folders within each other")),
            Stopped::Files => self.too_much(format!("{} files", room.files_max)),
            Stopped::Bytes => self.too_much(ByteSize(room.bytes_max).to_string()),
        })
    }

    fn copy_level(&self, to: &Path, depth_left: usize, left: &mut Room) -> Result<(), Stopped> {
        let depth_left = depth_left.checked_sub(1).ok_or(Stopped::Deep)?;
        let unread = |source| system(&self.shown, "read", source);
        let unwritten = |source| system(&self.shown, "copied", source);
        fs::create_dir_all(to).map_err(unwritten)?;
        for entry in self.folder.entries().map_err(unread)? {
            let entry = entry.map_err(unread)?;
            let (name, kind) = (entry.file_name(), entry.file_type().map_err(unread)?);
            left.files_max = left.files_max.checked_sub(1).ok_or(Stopped::Files)?;
            if kind.is_dir() {
                self.folder(Path::new(&name))?.copy_level(&to.join(name), depth_left, left)?;
            } else if kind.is_file() {
                let file = self.folder.open(Path::new(&name));
                let file = file.map_err(|error| self.told("read", error))?;
                let mode = file.metadata().map_err(unread)?.permissions().mode() & 0o777;
                let mut made = fs::File::create(to.join(name)).map_err(unwritten)?;
                let copied = std::io::copy(&mut file.take(left.bytes_max + 1), &mut made);
                let bytes = copied.map_err(unwritten)?;
                left.bytes_max = left.bytes_max.checked_sub(bytes).ok_or(Stopped::Bytes)?;
                made.set_permissions(PermissionsExt::from_mode(mode)).map_err(unwritten)?;
            }
        }
        Ok(())
    }

    fn too_much(&self, bound: String) -> TreeError {
        TreeError::TooMuch { name: text(&self.shown), bound }
    }

    /// Says what was not done, with the name as seen from where the tree begins.
    fn told(&self, done: &'static str, error: FileError) -> TreeError {
        let shown = |name: PathBuf| text(&self.shown.join(name));
        match error {
            FileError::Link(name) => TreeError::Link { name: shown(name) },
            FileError::NotAFile(name) | FileError::Outside(name) => {
                TreeError::NotAFile { name: shown(name) }
            }
            FileError::TooLong(name, bytes_max) => {
                TreeError::TooLong { name: shown(name), bytes_max }
            }
            FileError::System(name, source) => {
                TreeError::System { name: shown(name), done, source }
            }
        }
    }
}

/// Why copying ended.
enum Stopped {
    Failed(TreeError),
    Deep,
    Files,
    Bytes,
}

impl From<TreeError> for Stopped {
    fn from(error: TreeError) -> Self {
        Self::Failed(error)
    }
}

fn system(name: &Path, done: &'static str, source: std::io::Error) -> TreeError {
    TreeError::System { name: text(name), done, source }
}

fn text(name: &Path) -> String {
    let name = if name.as_os_str().is_empty() { Path::new(".") } else { name };
    name.display().to_string()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// A folder with `a.txt` and `in/b.txt`, and another beside it with `secret`.
    fn ground() -> (tempfile::TempDir, Tree) {
        let ground = tempfile::tempdir().unwrap();
        for (name, content) in [("tests/a.txt", "A"), ("tests/in/b.txt", "B"), ("out/secret", "S")]
        {
            let path = ground.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        let tree = Tree::at(&ground.path().join("tests")).unwrap();
        (ground, tree)
    }

    fn read(tree: &Tree, name: &str) -> Result<String, String> {
        tree.read(Path::new(name), 4).map_err(|error| error.in_full())
    }

    #[test]
    fn no_link_is_read_wherever_it_leads() {
        let (ground, tree) = ground();
        let tests = ground.path().join("tests");
        symlink(ground.path().join("out/secret"), tests.join("file")).unwrap();
        symlink(ground.path().join("out"), tests.join("folder")).unwrap();
        symlink("a.txt", tests.join("inside")).unwrap();
        assert_eq!(read(&tree, "in/b.txt").as_deref(), Ok("B"));
        for (name, link) in [("file", "file"), ("folder/secret", "folder"), ("inside", "inside")] {
            let told = format!("`{link}` is a link, and none is followed");
            assert_eq!(read(&tree, name), Err(told));
        }
        let opened = Tree::at(ground.path()).unwrap().root("tests/folder").map(drop);
        assert!(matches!(opened, Err(TreeError::Link { .. })), "{opened:?}");
    }

    #[test]
    fn only_ordinary_files_up_to_a_bound_are_read() {
        let (ground, tree) = ground();
        let tests = ground.path().join("tests");
        fs::write(tests.join("four"), "1234").unwrap();
        fs::write(tests.join("five"), "12345").unwrap();
        fs::write(tests.join("bytes"), b"\xff").unwrap();
        let pipe = tests.join("pipe");
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &pipe,
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::from_raw_mode(0o600),
            0,
        )
        .unwrap();
        assert_eq!(read(&tree, "four").as_deref(), Ok("1234"));
        let refused = ["five", "bytes", "pipe", "in", "none"].map(|name| read(&tree, name));
        let told = refused.map(|refused| refused.unwrap_err()).join("\n");
        insta::assert_snapshot!(told, @r"
        `five` has more than 4 B
        `bytes` is not UTF-8 text
        `pipe` is no ordinary file
        `in` is no ordinary file
        `none` cannot be read: No such file or directory (os error 2)
        ");
    }

    #[test]
    fn nothing_is_written_through_a_link() {
        let (ground, tree) = ground();
        let (tests, out) = (ground.path().join("tests"), ground.path().join("out"));
        symlink(out.join("secret"), tests.join("file")).unwrap();
        symlink(&out, tests.join("folder")).unwrap();
        for name in ["file", "folder/secret", "folder/new", "folder/deep/new"] {
            let refused = tree.replace(Path::new(name), "lost");
            assert!(matches!(refused, Err(TreeError::Link { .. })), "{name}: {refused:?}");
        }
        assert_eq!(fs::read_to_string(out.join("secret")).unwrap(), "S");
        assert_eq!(fs::read_dir(&out).unwrap().count(), 1);
        tree.replace(Path::new("a.txt"), "new").unwrap();
        tree.replace(Path::new("more/deep/c.txt"), "C").unwrap();
        assert_eq!(read(&tree, "a.txt").as_deref(), Ok("new"));
        assert_eq!(read(&tree, "more/deep/c.txt").as_deref(), Ok("C"));
        assert!(matches!(tree.replace(Path::new("in"), ""), Err(TreeError::NotAFile { .. })));
        // Nothing is left beside what was written.
        assert_eq!(fs::read_dir(tests.join("more/deep")).unwrap().count(), 1);
    }

    #[test]
    fn a_copy_is_bounded_and_holds_no_links() {
        let (ground, tree) = ground();
        let to = ground.path().join("copy");
        symlink(ground.path().join("out"), ground.path().join("tests/folder")).unwrap();
        let copy = |files_max, bytes_max| {
            let copied = tree.copy_to(&to, &Room { files_max, bytes_max });
            copied.map_err(|error| error.to_string())
        };
        // Two files, a folder and a link.
        assert_eq!(copy(4, 2), Ok(()));
        assert_eq!(fs::read_to_string(to.join("in/b.txt")).unwrap(), "B");
        assert!(!to.join("folder").exists());
        assert_eq!(copy(3, 2), Err("`.` holds more than 3 files".to_owned()));
        assert_eq!(copy(4, 1), Err("`.` holds more than 1 B".to_owned()));
        let mut deep = ground.path().join("tests");
        for _ in 0..DEPTH_MAX {
            deep.push("d");
        }
        fs::create_dir_all(deep).unwrap();
        let told = copy(100, 2).unwrap_err();
        assert!(told.ends_with("32 folders within each other"), "{told}");
    }
}
