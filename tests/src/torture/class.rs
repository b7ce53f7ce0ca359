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
        let name = format!("{}.toml", self.word());
        let text = |steps: &[String], output: &str| {
            let word = self.word();
            format!("name = \"{word}\"\n{INPUT}output = {output}\n{}", steps.concat())
        };
        let both = "{ one = \"{{ steps.s1.value }}\", two = \"{{ steps.s2.value }}\" }";
        let two = |tool: &str, with: &str| {
            [step("s1", tool, with), step("s2", tool, &format!("needs = [\"s1\"]\n{with}"))]
        };
        match self {
            Self::Pure => vec![(name, text(&two("test:pure.read", ""), both))],
            Self::Keyed => vec![(name, text(&two("test:keyed.put", ""), both))],
            Self::Unsafe => vec![(name, text(&two("test:post.send", ""), both))],
            Self::KeyedKv => {
                let add = |id: &str, needs: &str| {
                    format!(
                        "[[step]]\nid = \"{id}\"\ntool = \"test:keep.add\"\n{needs}\
                         with = {{ trial = \"{{{{ input.trial }}}}\", step = \"{id}\" }}\n"
                    )
                };
                let kept = |id: &str, of: &str| {
                    format!(
                        "[[step]]\nid = \"{id}\"\ntool = \"test:keep.kept\"\nneeds = [\"s1\", \"s2\"]\n\
                         with = {{ trial = \"{{{{ input.trial }}}}\", step = \"{of}\" }}\n"
                    )
                };
                let steps = [
                    add("s1", ""),
                    add("s2", "needs = [\"s1\"]\n"),
                    kept("k1", "s1"),
                    kept("k2", "s2"),
                ];
                vec![(name, text(&steps, both))]
            }
            Self::Readable => {
                let asked = "happened = { tool = \"test:pure.happened\", with = { \
                             ledger = \"{{ input.ledger }}\", trial = \"{{ input.trial }}\", step = \"ID\" } }\n";
                vec![(name, text(&mended(asked), both))]
            }
            Self::Compensable => {
                let undone = "undo = { tool = \"test:undo.undo\", with = { \
                              ledger = \"{{ input.ledger }}\", trial = \"{{ input.trial }}\", step = \"ID\" } }\n";
                vec![(name, text(&mended(undone), both))]
            }
            Self::Model => {
                let asked = "[[step]]\nid = \"s1\"\nmodel = \"m-1\"\n\
                             prompt = \"trial={{ input.trial }};\"\n";
                vec![(name, text(&[asked.to_owned()], "\"{{ steps.s1 }}\""))]
            }
            Self::Child => {
                let inner = "[[step]]\nid = \"inner\"\nworkflow = \"inner.toml\"\nwith = { \
                             ledger = \"{{ input.ledger }}\", trial = \"{{ input.trial }}\" }\n";
                let after = step("s3", "test:post.send", "needs = [\"inner\"]\n");
                let outer = text(&[inner.to_owned(), after], "\"{{ steps.s3.value }}\"");
                let inner = text(&two("test:post.send", ""), both);
                vec![(name, outer), ("inner.toml".to_owned(), inner)]
            }
            Self::Approved => {
                let asked = "[[step]]\nid = \"ask\"\napprove = \"Go on?\"\nneeds = [\"s1\"]\n";
                let steps = [
                    step("s1", "test:post.send", ""),
                    asked.to_owned(),
                    step("s2", "test:post.send", "needs = [\"ask\"]\n"),
                ];
                vec![(name, text(&steps, both))]
            }
            Self::Waiting => {
                let wait = "[[step]]\nid = \"wait\"\nwait = \"2 s\"\nneeds = [\"s1\"]\n";
                let steps = [
                    step("s1", "test:post.send", ""),
                    wait.to_owned(),
                    step("s2", "test:post.send", "needs = [\"wait\"]\n"),
                ];
                vec![(name, text(&steps, both))]
            }
            Self::Agent => Vec::new(),
        }
    }
}

const INPUT: &str = "input = { type = \"object\", required = [\"ledger\", \"trial\"], properties = { \
                     ledger = { type = \"string\" }, trial = { type = \"string\" } } }\n";

fn step(id: &str, tool: &str, more: &str) -> String {
    format!(
        "[[step]]\nid = \"{id}\"\ntool = \"{tool}\"\n{more}with = {{ ledger = \"{{{{ input.ledger }}}}\", \
         trial = \"{{{{ input.trial }}}}\", step = \"{id}\" }}\n"
    )
}

fn mended(how: &str) -> [String; 2] {
    let of = |id: &str| how.replace("ID", id);
    [
        step("s1", "test:post.send", &of("s1")),
        step("s2", "test:post.send", &format!("needs = [\"s1\"]\n{}", of("s2"))),
    ]
}
