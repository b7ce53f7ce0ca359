//! Every error code, what it means and what to do about it. `ax explain` prints from here.
//!
//! Codes are stable: one is never given another meaning. The letter says where it comes from: U
//! usage, G settings, B building, P plugins, K secrets, M models, Y policies, T tools and calls, W
//! workflows, L the installation's lock and generations, A audit, S this system.

/// A stable code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Code {
    /// As printed: `AX-P012`.
    pub(crate) text: &'static str,
    /// One line.
    pub(crate) title: &'static str,
    /// What it means and what to do.
    pub(crate) about: &'static str,
}

macro_rules! codes {
    ($($name:ident = $text:literal, $title:literal, $about:literal;)*) => {
        $(pub(crate) const $name: Code = Code { text: $text, title: $title, about: $about };)*
        /// All codes, in the order of the documentation.
        pub(crate) const ALL: &[Code] = &[$($name),*];
    };
}

codes! {
    USAGE = "AX-U001", "The command line is not understood",
        "A flag, a value, a file that it names or a combination of them is wrong. The message names \
         it; `ax COMMAND --help` lists what is accepted. Exit code 2, or 3 for a file that is not \
         there.";
    WOULD_ASK = "AX-U002", "A question would have been needed",
        "There is no terminal to ask on, or --no-input is set. The hint names the flags that \
         answer the question. --yes never answers a question about a permission. Exit code 2.";
    DECLINED = "AX-U003", "You said no",
        "Nothing was changed. Exit code 1.";
    SETTINGS = "AX-G001", "A setting is wrong",
        "A configuration file, a variable or a flag has a value that cannot be used. The message \
         says where it stands. A project's ax.toml may only set what is harmless: it can come from \
         a stranger. `ax config show --sources` shows every value and where it came from.";
    NOT_INSTALLED = "AX-P001", "The plugin is not installed",
        "`ax plugin list` shows what is. Names have two parts: `namespace:name`. Exit code 3.";
    DISABLED = "AX-P002", "The plugin is switched off",
        "It stays installed with its grants; `ax plugin enable NAME` offers its tools again.";
    UNREADABLE = "AX-P003", "The plugin cannot be read from there",
        "Name a folder with a plugin.toml, an .axp package or a .wasm component. A bare component \
         also needs --name.";
    MANIFEST = "AX-P004", "The manifest is not valid",
        "plugin.toml has a mistake; line and column are given. Unknown keys are errors, since a \
         misspelled permission or limit would otherwise be one that nobody enforces.";
    COMPONENT = "AX-P005", "The component is not usable",
        "The bytes are not a WebAssembly component, are damaged, too large, or need a feature that \
         this host leaves off. Core modules are not components: build for wasm32-wasip2.";
    PACKAGE = "AX-P006", "The package is not valid",
        "An .axp file is damaged, or what it says differs from what its component says. Do not \
         install it; get it again, or ask its author.";
    NOT_ADMITTED = "AX-P007", "The component's imports are not admitted",
        "It imports an interface whose permission its manifest does not ask for, or one that this \
         host does not offer. Both lists must agree before anything runs.";
    OTHER_HOST = "AX-P008", "The plugin needs another host version",
        "The manifest's `host` names the versions it works with.";
    TOOLS = "AX-P009", "The plugin's tools cannot be offered",
        "A name, a description or a schema breaks a rule, two tools have one name, there are too \
         many or none, or `describe` gave no answer. The message names the tool.";
    TOO_EXPENSIVE = "AX-P010", "The component cannot be compiled within bounds",
        "Components are compiled in a child process with limits on memory, time and output. A \
         component of a few hundred bytes can ask for gigabytes; this one hit a limit or was \
         refused by the compiler.";
    DAMAGED = "AX-P011", "An installed package is damaged",
        "A file in the store is missing or has other bytes than its digest says. Install the \
         plugin again from where it came; `ax plugin verify` checks all of them.";
    DENIED = "AX-P012", "The plugin may not do that",
        "A plugin may do what its manifest asks for and a person granted, and nothing else. The \
         message gives the permission that is missing and the hint the command that grants it. \
         Grant only what you understand: `ax permission show PLUGIN` says it in plain words. Some \
         things no permission opens, raw sockets among them. Addresses of this machine and of private \
         networks are opened by no pattern and no name: the URL, the manifest and the grant have to \
         name the very address. Exit code 5.";
    CONSENT = "AX-P013", "The consent does not fit",
        "--accept-card must give the digest of the card as it is now; a changed component or \
         folder changes it. --allow must name something that the plugin asks for.";
    NOT_ASKED = "AX-P014", "The plugin does not ask for that",
        "A grant never opens more than the manifest asks for, so granting it would change nothing.";
    NOT_GRANTED = "AX-P015", "There is no such grant to take back",
        "`ax permission show PLUGIN` lists the grants. A grant wider than what you named stays \
         until it is revoked as a whole.";
    STATE = "AX-P018", "What the plugin keeps cannot be used",
        "Plugins keep data in `plugins.db`. An update copies them and lets the new version bring \
         the copy to its form, if it is granted `kv`; if that fails, the old version and its data \
         stay as they were. An older version that cannot read them goes on with what it left \
         itself, and is refused where it left nothing. A newer, foreign or damaged database is \
         refused and left untouched.";
    LEAK = "AX-P019", "An answer held a secret and was withheld",
        "What a plugin answers and what comes back to it is searched for the secrets it may use, \
         raw and in common encodings. Exit code 5.";
    SECRETS = "AX-P020", "The secrets cannot be read",
        "Secrets are kept in `secrets.age`, encrypted, and opened with the key in `secrets.key`. A \
         plugin that may use one is not run while they cannot be read. The message names the file; \
         `ax secret list` shows whether it is mended, `ax explain AX-K001` what can be wrong.";
    VAULT = "AX-K001", "The vault cannot be used",
        "`secrets.age` or the key that opens it, `secrets.key`, is missing, damaged, of a newer ax, \
         or open to other users. Nothing is overwritten: without its key a vault stays unreadable, \
         so restore the file from a backup, or move it away as the hint says and set each secret \
         again.";
    SECRET_VALUE = "AX-K002", "The name or the value of a secret cannot be taken",
        "A name is like `github-token`. A value has 8 to 65,536 characters of visible ASCII: a \
         shorter one would be found in innocent text, and others do not pass through a header. It \
         is typed at the prompt or comes on standard input, never on the command line: there it \
         would stay in the shell's history and show in `ps`. Exit code 2.";
    NO_SECRET = "AX-K003", "There is no such secret",
        "`ax secret list` shows what is set and what plugins ask for. Exit code 3.";
    TOKENS = "AX-K004", "The tokens of programs cannot be used",
        "`mcp-tokens.json` in the home folder is damaged, of a newer ax, or open to other users; or \
         there is a token of that name, or a hundred of them. Nobody is let in over HTTP while it \
         cannot be read. Exit code 1, or 2 for a name that is taken.";
    NO_TOKEN = "AX-K005", "There is no such token",
        "`ax mcp token list` shows all. Exit code 3.";
    NO_MODEL = "AX-M001", "No model can be asked",
        "The settings name no provider that is switched on, or none of the one that was meant, or \
         nothing says which of its models to ask. `ax provider list` shows what is there, `ax provider \
         add --help` how to add one. Exit code 2, or 3 for a provider that is not there.";
    UNANSWERED = "AX-M002", "No model answered",
        "A provider could not be reached, failed, took too long, or broke its answer off; the message \
         says which, `--json` what was tried. What a stream said before it was cut was printed and is \
         kept. Exit code 7 if time was up.";
    MODEL_LIMIT = "AX-M003", "A provider wants it slower",
        "A limit of requests or tokens is reached, the provider's or one of config.toml. With --json, \
         `retryAfterMs` says how long to wait. A second provider in `router.fallbacks` is asked \
         instead.";
    MODEL_QUOTA = "AX-M004", "Nothing is left of what was paid for",
        "The provider says that the account has no credit or has reached its bound of spending. It is \
         not tried again until somebody pays.";
    MODEL_KEY = "AX-M005", "The key of a provider is missing or does not open",
        "Keys are secrets: `ax secret set NAME` keeps one, and `keys` of the provider names it. `ax \
         provider test` shows which key does not open.";
    MODEL_GONE = "AX-M006", "There is no such model there",
        "The provider does not have it, not any more, not from here, or what answers at its URL does \
         not speak as its `kind` does. `ax model list --provider NAME` shows what it has. Exit code 3.";
    MODEL_CONTEXT = "AX-M007", "The conversation is too long for the model",
        "Begin another one, send less along, or name a model that reads more; `ax model list` shows \
         how much each reads, where that is known.";
    MODEL_POLICY = "AX-M008", "The provider does not answer that",
        "It, or a filter in front of it, holds the answer back. Whoever else is configured for such a \
         request was asked, too, unless something of an answer had come.";
    MODEL_REQUEST = "AX-M009", "That cannot be asked",
        "A value is out of its bounds, a model or provider is not configured, or the provider refuses \
         the request as it is. The message names the field. Exit code 2.";
    CONVERSATION = "AX-M010", "The conversation cannot be kept or gone on with",
        "Conversations of `ax chat` are files below `conversations` in the home folder, for you alone. \
         A damaged or newer one is left as it is. Exit code 3 if there is none.";
    PROVIDER_FINDINGS = "AX-M011", "Not every provider can be asked",
        "`ax provider test` lists each check with what to do. Exit code 6.";
    LEDGER = "AX-M012", "The record of what was asked of models cannot be used",
        "Nothing is asked that cannot be recorded in `router.db` in the home folder. A damaged, newer \
         or foreign one is refused and left as it is; the message says which file and why.";
    NO_REQUEST = "AX-M013", "There is no such request",
        "`ax request list` shows the ids of the last ones. Requests are kept for 90 days, or as long \
         as `keep-days` of `[router]` says. Exit code 3.";
    NO_TOOL = "AX-T001", "There is no such tool",
        "`ax tool list` shows all; an id is `namespace:plugin.tool`. Exit code 3.";
    INPUT = "AX-T002", "The input does not fit the tool",
        "It is not JSON, too long or too deep, or a value has another type than the tool takes. \
         The message gives the path, the type and what was found; `ax tool list --json` has the \
         schemas.";
    EXHAUSTED = "AX-T003", "A limit is used up",
        "Every call is bounded in fuel (about one unit per instruction), wall clock, memory, host \
         calls, input, result and more. The message names the limit and its bound. A plugin may \
         ask for more in its plugin.toml under [limits]; a person then sees it on the card. Time \
         has the exit code 7.";
    CRASHED = "AX-T004", "The plugin crashed",
        "It hit a trap or ended itself. The instance is gone, the host is not affected. What it \
         wrote before and where it was are printed above the error; `ax build` keeps what says which \
         line that is.";
    TOOL_FAILED = "AX-T005", "The tool answered with an error",
        "The plugin ran and says that it could not do what was asked. The message is its own.";
    ANSWER = "AX-T006", "The tool's answer is not usable",
        "It does not fit the types or the bounds that hold for it. This is a defect of the plugin.";
    CANCELLED = "AX-T007", "The call was cancelled",
        "Somebody asked to stop. The plugin was given a moment to end itself. Exit code 130.";
    START = "AX-T008", "The plugin could not be started",
        "Its instance could not be set up. `ax plugin verify` and `ax doctor` look for the cause.";
    CHANGED_MEANWHILE = "AX-T009", "What the plugin keeps was changed meanwhile",
        "What a tool keeps while a task calls it is written when it has ended, as one. Something else \
         changed what it had read, so nothing was written. Run it again.";
    KEY_USED = "AX-T010", "The key of a call was used before",
        "A task gives each call a key of its own, so that one that is sent again after a crash is done \
         once. This key belongs to a call of another tool or with another input.";
    KEEPING = "AX-T011", "What a plugin keeps cannot be used",
        "`plugins.db` cannot be read or written, so it is not known whether the call was made before, or \
         what it keeps could not be written. Nothing of it was.";
    BUSY = "AX-L001", "Another ax is changing the installation",
        "Changes are made one at a time, under a lock that ends with its process. The message \
         names the holder.";
    GENERATION = "AX-L002", "The installation's state cannot be read or written",
        "What is installed and granted is kept in numbered generations; a switch is one rename, so \
         a crash leaves the old or the new one. If the current one is damaged, the hint is the \
         line that goes back to the newest one that is whole.";
    AUDIT = "AX-A001", "The audit log cannot be used",
        "No call runs that cannot be recorded. A damaged, foreign or shortened log is refused and \
         never repaired: keep it for whoever has to look at it, then move it away to start anew.";
    AUDIT_FINDINGS = "AX-A002", "The audit log was changed",
        "Rows form a chain of hashes with signed checkpoints. A row was changed, removed, added or \
         moved. Exit code 6.";
    VERIFY_FINDINGS = "AX-P017", "Installed plugins are not as they were installed",
        "`ax plugin verify` found files that differ from the lock file. Exit code 6.";
    POLICY = "AX-Y001", "A policy cannot be used",
        "A policy file is there and is damaged, cannot be read, can be written by others, or a test \
         in it does not hold. Nothing is installed, granted or called until it is mended: going on \
         without it would allow what it forbids. `ax policy check` shows every mistake. Exit code \
         6 from `ax policy check`, else 1.";
    FORBIDDEN = "AX-Y002", "The policy forbids it",
        "A policy keeps the plugin out, or forbids the permission that was to be granted. Nobody \
         can grant it; whoever wrote the rule can change it. The message names rule and file, and \
         `ax policy explain PLUGIN PERMISSION` says what else decides. Exit code 5.";
    PROJECT = "AX-B001", "There is no project there, or there is one already",
        "`ax new NAME` makes a project in a folder that is not there yet or empty; `ax build` builds \
         one, in the current folder or the one that is named. Exit code 2 for a folder that is in the \
         way, 3 for one that is no project.";
    TOOLCHAIN = "AX-B002", "The toolchain of the language is not complete",
        "A compiler, or the part of it that makes components, is not installed. The hint is the line \
         that installs it. What `ax` installs by itself, once for all projects, lies in the folder \
         that `ax config show` calls `toolchains` (AX_TOOLCHAINS).";
    BUILD = "AX-B003", "The plugin could not be built",
        "The toolchain said why, above. What was built before is as it was.";
    CHECK_FINDINGS = "AX-B004", "The plugin cannot be installed like this",
        "`ax check` lists each mistake with what to do. Exit code 6; notes alone are no mistake.";
    CASES = "AX-B005", "The cases of a project do not hold, or cannot be run",
        "`ax test` runs the [[case]] tables of tests/*.toml, each in the sandbox with data of its own, \
         and says what a failed one got. Exit code 1 if one fails, 2 if a file is wrong, 3 if there are \
         none.";
    WORKFLOW = "AX-W001", "A workflow file is not right",
        "It is no TOML, has a key or a value that means nothing there, or a step that does \
         nothing or two things. `ax workflow check FILE` shows every mistake with its line; \
         nothing of a workflow is run before there is none. Exit code 6.";
    WORKFLOW_NAME = "AX-W002", "A workflow names something that is not there",
        "A step, a tool, an agent, a model or a file. `ax tool list` and `ax model list` show \
         what there is; a file is looked for from the folder of the one that names it.";
    WORKFLOW_CIRCLE = "AX-W003", "Steps or workflows need each other",
        "A step needs those it lists under `needs` and those its expressions mention. The \
         message shows the way round: none of these could begin.";
    WORKFLOW_EXPRESSION = "AX-W004", "An expression of a workflow is wrong",
        "What stands between `{{` and `}}` cannot be read, or names a member or an item that \
         cannot be there.";
    WORKFLOW_TYPE = "AX-W005", "A value of a workflow does not fit",
        "What a step is given differs from what its tool, agent or workflow takes, as far as \
         their schemas say it: a type, a member that is missing, one that nobody knows.";
    WORKFLOW_UNREACHABLE = "AX-W006", "A step of a workflow is never done",
        "Its condition is false whatever happens.";
    WORKFLOW_PERMISSION = "AX-W007", "A tool of a workflow lacks a permission",
        "Its plugin asks for it and nobody granted it, so the step would be denied half-way. \
         The hint is the line that grants it; `ax permission show PLUGIN` shows what the \
         plugin holds.";
    TASK_FAILED = "AX-D001", "A task failed",
        "What it needed failed, its budget or its time was used up, or somebody cancelled it. \
         `ax task show` says what happened before; `ax task retry` tries again what failed, and \
         what was done stays done.";
    TASK_RESTS = "AX-D002", "A task rests",
        "It waits for a person: an approval (`ax approve list`), more of its budget, or `ax task \
         resume`. Nothing of it is lost. Exit code 130 after Ctrl-C, 2 where a question waits.";
    TASK_IN_DOUBT = "AX-D003", "Nobody knows whether an effect happened",
        "The program ended, or the tool was ended, after an effect was begun that may not be \
         performed twice. Look at what it would have changed; then `ax task resume TASK` with \
         `--happened JSON`, `--again` or `--failed`. The host never guesses.";
    NO_TASK = "AX-D004", "There is no such task or question",
        "`ax task list` names tasks, `ax approve list` what is asked. A part of a name is enough \
         if no other task has it.";
    TASK_HELD = "AX-D005", "Another program carries the task",
        "One program at a time carries a task. `ax task watch` follows it; pauses, answers and \
         cancellations reach it wherever it runs.";
    JOURNAL = "AX-D006", "The journal of tasks cannot be used",
        "`journal.db` is damaged, newer than this program, full or locked. The message says \
         where; nothing is repaired and nothing of it is overwritten.";
    TASK_STATE = "AX-D007", "The task is not in a state for that",
        "One that is over cannot be paused, one that goes on cannot be retried or deleted, a \
         question is answered once.";
    TASK_DIVERGED = "AX-D008", "A task went another way than on record",
        "Run again with the same answers it asked for something else: its code has changed, or \
         it depends on something outside of its record. The message shows both sides. Exit \
         code 6 from `ax task replay`.";
    NO_AGENT = "AX-D009", "There is no such agent",
        "`ax agent list` shows the agents of installed plugins.";
    SYSTEM = "AX-S001", "This system does not offer what is needed",
        "Files, folders, threads or the engine could not be set up, or an answer could not be \
         written. `ax doctor` checks what it can.";
    DOCTOR_FINDINGS = "AX-S002", "Something is missing or wrong",
        "`ax doctor` lists each check with what to do. Exit code 6.";
    UNKNOWN_CODE = "AX-U004", "There is no such code",
        "`ax explain` without a code lists all of them. Exit code 3.";
}

/// Finds a code by its text, in any case, with or without `AX-`.
pub(crate) fn find(text: &str) -> Option<&'static Code> {
    let wanted = text.trim().to_ascii_uppercase();
    let wanted = wanted.strip_prefix("AX-").unwrap_or(&wanted);
    ALL.iter().find(|code| code.text.strip_prefix("AX-") == Some(wanted))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_found_however_they_are_typed() {
        for (at, code) in ALL.iter().enumerate() {
            assert!(!ALL[..at].iter().any(|other| other.text == code.text), "{}", code.text);
            assert_eq!(find(&code.text.to_lowercase()), Some(code));
        }
        assert_eq!(find("p012"), Some(&DENIED));
        assert_eq!(find("AX-P999"), None);
    }
}
