//! What a task does that is killed: the classes of effects, and tasks that are made of several.
//!
//! Every one of them has effects on a ledger in another process, each with a value that is drawn as it is
//! performed, so that two of them are seen to be two.

/// What is known of an effect when it is interrupted, or how the task around it is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// GET. May cross more than once; what is recorded is one of the answers.
    Pure,
    /// PUT to a receiver that honours keys.
    Keyed,
    /// A write to keys of the plugin itself.
    KeyedKv,
    /// POST, and a tool that says whether it happened.
    Readable,
    /// POST, and a tool that takes it back.
    Compensable,
    /// POST.
    Unsafe,
    /// A question to a model. May be paid for twice; what is recorded is one of the answers.
    Model,
    /// Unsafe effects of a task within a task.
    Child,
    /// Unsafe effects of a program.
    Agent,
    /// Unsafe effects before and after a question to a person.
    Approved,
    /// Unsafe effects before and after a wait, for what has to last.
    Waiting,
}

impl Class {
    /// Every one that is killed everywhere.
    pub const ALL: [Self; 10] = [
        Self::Pure,
        Self::Keyed,
        Self::KeyedKv,
        Self::Readable,
        Self::Compensable,
        Self::Unsafe,
        Self::Model,
        Self::Child,
        Self::Agent,
        Self::Approved,
    ];

    /// Returns its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Pure => "pure",
            Self::Keyed => "keyed",
            Self::KeyedKv => "keyed-kv",
            Self::Readable => "readable",
            Self::Compensable => "compensable",
            Self::Unsafe => "unsafe",
            Self::Model => "model",
            Self::Child => "child",
            Self::Agent => "agent",
            Self::Approved => "approved",
            Self::Waiting => "waiting",
        }
    }

    /// Returns the steps that have effects.
    pub(super) fn steps(self) -> &'static [&'static str] {
        match self {
            Self::Model => &["s1"],
            Self::Child | Self::Agent => &["s1", "s2", "s3"],
            _ => &["s1", "s2"],
        }
    }

    /// Answers whether a person has to say what became of an interrupted effect.
    pub(super) fn is_doubtful(self) -> bool {
        matches!(self, Self::Unsafe | Self::Child | Self::Agent | Self::Approved)
    }

    /// Returns the files of its workflow with their texts, the first one first; none for a program.
    pub(super) fn files(self) -> Vec<(String, String)> {
        let file = |steps: &[String], output: &str| {
            (format!("{}.toml", self.word()), text(self.word(), steps, output))
        };
        match self {
            Self::Pure => vec![file(&two("test:pure.read", ""), BOTH)],
            Self::Keyed => vec![file(&two("test:keyed.put", ""), BOTH)],
            Self::Unsafe => vec![file(&two("test:post.send", ""), BOTH)],
            Self::KeyedKv => vec![file(&kept(), BOTH)],
            Self::Readable => vec![file(&mended("happened", "test:pure.happened"), BOTH)],
            Self::Compensable => vec![file(&mended("undo", "test:undo.undo"), BOTH)],
            Self::Model => {
                let asked = "[[step]]\nid = \"s1\"\nmodel = \"m-1\"\n\
                             prompt = \"trial={{ input.trial }};\"\n";
                vec![file(&[asked.to_owned()], "\"{{ steps.s1 }}\"")]
            }
            Self::Child => {
                let inner = "[[step]]\nid = \"inner\"\nworkflow = \"inner.toml\"\nwith = { \
                             ledger = \"{{ input.ledger }}\", trial = \"{{ input.trial }}\" }\n";
                let after = step("s3", "test:post.send", "needs = [\"inner\"]\n");
                let outer = file(&[inner.to_owned(), after], "\"{{ steps.s3.value }}\"");
                let inner = text("inner", &two("test:post.send", ""), BOTH);
                vec![outer, ("inner.toml".to_owned(), inner)]
            }
            Self::Approved => vec![file(&around("ask", "approve = \"Go on?\""), BOTH)],
            Self::Waiting => vec![file(&around("wait", "wait = \"2 s\""), BOTH)],
            Self::Agent => Vec::new(),
        }
    }
}

const INPUT: &str = "input = { type = \"object\", required = [\"ledger\", \"trial\"], properties = { \
                     ledger = { type = \"string\" }, trial = { type = \"string\" } } }\n";

/// What a workflow of two effects gives.
const BOTH: &str = "{ one = \"{{ steps.s1.value }}\", two = \"{{ steps.s2.value }}\" }";

fn text(name: &str, steps: &[String], output: &str) -> String {
    format!("name = \"{name}\"\n{INPUT}output = {output}\n{}", steps.concat())
}

fn step(id: &str, tool: &str, more: &str) -> String {
    format!(
        "[[step]]\nid = \"{id}\"\ntool = \"{tool}\"\n{more}with = {{ ledger = \"{{{{ input.ledger }}}}\", \
         trial = \"{{{{ input.trial }}}}\", step = \"{id}\" }}\n"
    )
}

/// Two effects, one after the other.
fn two(tool: &str, more: &str) -> [String; 2] {
    [step("s1", tool, more), step("s2", tool, &format!("needs = [\"s1\"]\n{more}"))]
}

/// Two effects with something between them.
fn around(id: &str, between: &str) -> [String; 3] {
    let between = format!("[[step]]\nid = \"{id}\"\n{between}\nneeds = [\"s1\"]\n");
    let after = step("s2", "test:post.send", &format!("needs = [\"{id}\"]\n"));
    [step("s1", "test:post.send", ""), between, after]
}

/// Two effects of which a tool knows, or which one takes back.
fn mended(how: &str, by: &str) -> [String; 2] {
    let of = |id: &str| {
        format!(
            "{how} = {{ tool = \"{by}\", with = {{ ledger = \"{{{{ input.ledger }}}}\", \
             trial = \"{{{{ input.trial }}}}\", step = \"{id}\" }} }}\n"
        )
    };
    let second = format!("needs = [\"s1\"]\n{}", of("s2"));
    [step("s1", "test:post.send", &of("s1")), step("s2", "test:post.send", &second)]
}

/// Two writes to keys, and what is kept then.
fn kept() -> [String; 4] {
    let call = |id: &str, tool: &str, needs: &str, of: &str| {
        format!(
            "[[step]]\nid = \"{id}\"\ntool = \"test:keep.{tool}\"\nneeds = [{needs}]\n\
             with = {{ trial = \"{{{{ input.trial }}}}\", step = \"{of}\" }}\n"
        )
    };
    [
        call("s1", "add", "", "s1"),
        call("s2", "add", "\"s1\"", "s2"),
        call("k1", "kept", "\"s2\"", "s1"),
        call("k2", "kept", "\"s2\"", "s2"),
    ]
}
