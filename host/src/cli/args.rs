//! The grammar of the command line. Parsing, help, completions and man pages come from here.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use ax_manifest::{Digest, NameError, Permission, PluginName, Source, ToolId};
use clap::{Args, Parser, Subcommand, ValueEnum};
use semver::Version;

use super::agent::AgentCommand;
use super::approve::ApproveCommand;
use super::audit::AuditCommand;
use super::author::{BuildArgs, CheckArgs, NewArgs, PackArgs};
use super::chat::ChatArgs;
use super::dev::DevArgs;
use super::mcp::config::ConfigArgs;
use super::model::ModelCommand;
use super::profile::ProfileArgs;
use super::provider::ProviderCommand;
use super::prune::PruneArgs;
use super::request::{RequestCommand, UsageArgs};
use super::route::RouteCommand;
use super::secret::{Discarded, GivenName};
use super::stats::StatsArgs;
use super::task::TaskCommand;
use super::test::TestArgs;
use super::workflow::WorkflowCommand;
use crate::secret::tokens::TokenName;

/// Runs plugins for agents, each in a sandbox of its own.
#[derive(Debug, Parser)]
#[command(name = "ax", version, propagate_version = true, disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) globals: Globals,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Flags of every command; each has a variable `AX_…` of the same name.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Globals {
    /// Print only JSON on standard output
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Print nothing but data and errors
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
    /// Print more; twice for everything
    #[arg(long, short, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// When to use colour
    #[arg(long, global = true, value_enum, value_name = "WHEN")]
    pub(crate) color: Option<When>,
    /// Never ask; fail where a question would be needed
    #[arg(long, global = true)]
    pub(crate) no_input: bool,
    /// Answer yes to questions, never to one about a permission
    #[arg(long, short, global = true)]
    pub(crate) yes: bool,
    /// Use this configuration file instead of the user's
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Keep everything in this folder instead of the user's data folder
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) home: Option<PathBuf>,
    /// The folder that permissions call `workspace` [default: the nearest folder with an ax.toml]
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) workspace: Option<PathBuf>,
    /// Bind another folder to a name that permissions use
    #[arg(long, global = true, value_name = "NAME=DIR", value_parser = folder)]
    pub(crate) folder: Vec<(String, PathBuf)>,
    /// Act as if started in this folder
    #[arg(short = 'C', global = true, value_name = "DIR")]
    pub(crate) directory: Option<PathBuf>,
}

/// A tool as a person names it.
#[derive(Debug, Clone)]
pub(crate) enum ToolName {
    /// `namespace:plugin.tool`, of an installed plugin.
    Id(ToolId),
    /// `plugin.tool`, of the project around the current folder.
    Short { plugin: String, tool: String },
}

impl FromStr for ToolName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        match text.split_once('.') {
            Some((plugin, tool)) if !text.contains(':') => {
                Ok(Self::Short { plugin: plugin.to_owned(), tool: tool.to_owned() })
            }
            _ => text.parse().map(Self::Id),
        }
    }
}

/// When to use colour.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum When {
    /// When a person reads it
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a new plugin: a project that builds, with a tool and its tests
    New(NewArgs),
    /// Build the plugin of a project, and compare it with its manifest
    Build(BuildArgs),
    /// Build and test a plugin whenever a file is saved, and show the calls made of it
    Dev(DevArgs),
    /// Build a plugin and run the cases of its `tests/` in the sandbox
    Test(TestArgs),
    /// Check what was built: manifest, component, permissions, and what people will miss
    Check(CheckArgs),
    /// Build a plugin and pack it into one file that can be given away and installed
    Pack(PackArgs),
    /// Install, show, switch and remove plugins
    #[command(subcommand)]
    Plugin(PluginCommand),
    /// Show, grant and revoke what plugins may do
    #[command(subcommand)]
    Permission(PermissionCommand),
    /// Check, explain and test the policies that bound all grants
    ///
    /// In force are /etc/ax/policy.toml, policy.toml in the home, and the file that the variable
    /// AX_POLICY names: whatever one of them forbids is forbidden.
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// Check, draw and run workflow files
    #[command(subcommand)]
    Workflow(Box<WorkflowCommand>),
    /// List and run the agents of installed plugins
    #[command(subcommand)]
    Agent(Box<AgentCommand>),
    /// List tasks, show how they went, and let them rest, go on or end
    #[command(subcommand)]
    Task(Box<TaskCommand>),
    /// Answer what tasks ask a person
    #[command(subcommand)]
    Approve(ApproveCommand),
    /// Set, list and remove secrets, which plugins use and never see
    #[command(subcommand)]
    Secret(SecretCommand),
    /// List and call the tools that plugins offer, and see what they cost
    #[command(subcommand)]
    Tool(ToolCommand),
    /// Offer the installed tools to programs that speak the Model Context Protocol
    #[command(subcommand)]
    Mcp(McpCommand),
    /// Talk with a model, which may call the installed tools
    ///
    /// ax chat "what does this repository do?"
    /// ax chat --model fast --file notes.txt "summarise this"
    /// ax chat --continue
    #[command(verbatim_doc_comment)]
    Chat(Box<ChatArgs>),
    /// List, add and test the providers of models
    #[command(subcommand)]
    Provider(ProviderCommand),
    /// List the models that may be asked
    #[command(subcommand)]
    Model(ModelCommand),
    /// List and show what was asked of models
    #[command(subcommand)]
    Request(RequestCommand),
    /// Say what was asked of models in all, and what it cost
    ///
    /// ax usage --by model --since 7d
    #[command(verbatim_doc_comment)]
    Usage(UsageArgs),
    /// Explain who would be asked for a request, and why
    #[command(subcommand)]
    Route(RouteCommand),
    /// Read and check the record of what happened
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Show settings and where they come from
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Check that everything needed is there and works
    Doctor,
    /// Say what an error code means and what to do
    Explain {
        /// A code such as AX-P012; all of them if left out
        code: Option<String>,
    },
    /// Print completions for a shell
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    #[command(hide = true)]
    Man,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PluginCommand {
    /// Install a plugin from a folder, a package or a component
    ///
    /// Shows the permission card first. Without a terminal, agree with --accept-card or --allow,
    /// or install it empty-handed with --grant-nothing.
    Add {
        /// A folder with a plugin.toml, an .axp package, or a .wasm component
        path: PathBuf,
        /// The name of a bare component
        #[arg(long, value_name = "NAMESPACE:NAME")]
        name: Option<PluginName>,
        /// The version of a bare component
        #[arg(long, value_name = "VERSION", requires = "name", default_value = "0.1.0")]
        release: Version,
        /// Go on with the data that this very version left here, not with those in use
        #[arg(long)]
        own_data: bool,
        /// It is a release of the plugin that came from there: go on with its data
        ///
        /// A plugin is its name and the folder or file it came from. `ax plugin list` shows where.
        #[arg(long, value_name = "SOURCE")]
        data_of: Option<Source>,
        #[command(flatten)]
        consent: ConsentArgs,
    },
    /// List what is installed
    List,
    /// Show one plugin: card, tools, limits, grants
    Show {
        /// Its name
        plugin: PluginName,
    },
    /// Remove a plugin and its grants
    Remove {
        /// Its name
        plugin: PluginName,
    },
    /// Offer a plugin's tools again
    Enable {
        /// Its name
        plugin: PluginName,
    },
    /// Stop offering a plugin's tools
    Disable {
        /// Its name
        plugin: PluginName,
    },
    /// Check installed plugins against what was installed
    Verify {
        /// Its name; all plugins if left out
        plugin: Option<PluginName>,
    },
    /// Remove what is no longer used: old generations, packages, compiled code, data
    ///
    /// What was written or in use within the last hour stays, since another `ax` may be using it. So
    /// do the newest data of each plugin, installed or not, unless --data is given.
    Prune(PruneArgs),
}

/// Ways to agree without a terminal.
#[derive(Debug, Clone, Args)]
pub(crate) struct ConsentArgs {
    /// Grant this permission; repeat for more
    #[arg(long, value_name = "PERMISSION", conflicts_with_all = ["accept_card", "grant_nothing"])]
    pub(crate) allow: Vec<Permission>,
    /// Agree to the whole card with this digest
    #[arg(long, value_name = "DIGEST", conflicts_with = "grant_nothing")]
    pub(crate) accept_card: Option<Digest>,
    /// Install it and grant nothing
    #[arg(long)]
    pub(crate) grant_nothing: bool,
    #[command(flatten)]
    pub(crate) scope: ScopeArgs,
}

/// For how long and where a grant counts.
#[derive(Debug, Clone, Args)]
pub(crate) struct ScopeArgs {
    /// Where a grant counts
    #[arg(long, value_enum, default_value = "always", value_name = "SCOPE")]
    pub(crate) scope: Scope,
    /// When a grant ends, from now: `30 min`, `7d`
    #[arg(long, value_name = "TIME")]
    pub(crate) expires: Option<String>,
}

/// Where a grant counts.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Scope {
    /// For the next call
    Once,
    /// Whenever this project's folder is the workspace
    Project,
    /// Everywhere
    Always,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PermissionCommand {
    /// Show what plugins ask for and were granted
    Show {
        /// One plugin; all if left out
        plugin: Option<PluginName>,
    },
    /// Grant a permission that a plugin asks for
    Grant {
        /// To which plugin
        plugin: PluginName,
        /// What, as `fs:workspace:read`
        permission: Permission,
        #[command(flatten)]
        scope: ScopeArgs,
    },
    /// Take back what was granted
    Revoke {
        /// From which plugin
        plugin: PluginName,
        /// What; a wider permission takes back all that it covers
        permission: Permission,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum McpCommand {
    /// Serve every installed tool, under the grants there are
    Serve(ServeArgs),
    /// Let programs in over HTTP, or no more
    #[command(subcommand)]
    Token(TokenCommand),
    /// Print the lines with which a client starts or reaches this, to be pasted
    ///
    /// It is given the same home, settings and policies as this command, and the folders that are named
    /// here. No file is written.
    Config(ConfigArgs),
}

/// How `ax mcp serve` is reached.
#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// Speak on standard input and output, to the program that started this
    #[arg(long, conflicts_with = "http", required_unless_present = "http")]
    pub(crate) stdio: bool,
    /// Listen there, for programs that send a token
    #[arg(long, value_name = "ADDRESS", num_args = 0..=1, default_missing_value = "127.0.0.1:7420")]
    pub(crate) http: Option<SocketAddr>,
    /// A name that clients reach it by, besides those of this machine alone
    #[arg(long, value_name = "HOST", conflicts_with = "stdio")]
    pub(crate) allow_host: Vec<String>,
    /// Let every program on this machine in
    #[arg(long, conflicts_with = "stdio")]
    pub(crate) without_token: bool,
    /// How long calls may go on when it is to stop
    #[arg(long, value_name = "SECONDS", default_value_t = 10, conflicts_with = "stdio")]
    pub(crate) grace: u16,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// Make a token and print it, once
    Add {
        /// Whose it is, as `my-laptop`: the audit calls its holder so
        name: TokenName,
    },
    /// List the tokens, without what opens
    List,
    /// Let its holder in no more
    Remove {
        /// Whose it is
        name: TokenName,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    /// Say what is wrong with the policies in force, or with a file
    Check {
        /// A policy that need not be in force, or `-` for standard input
        file: Option<String>,
    },
    /// Say whether a plugin may do something, and every rule and grant that decides
    Explain {
        /// Its name; it need not be installed
        plugin: PluginName,
        /// What, as `fs:workspace:read`
        permission: Permission,
    },
    /// Run the tests that the policies in force, or a file, carry
    Test {
        /// A policy that need not be in force, or `-` for standard input
        file: Option<String>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum SecretCommand {
    /// Set a secret, or replace it
    ///
    /// On a terminal the value is asked for twice and not shown. With --stdin, or without a
    /// terminal, it is all of standard input, without one line break at its very end. It is never
    /// taken from the command line or from a variable, where others could see it. A value has 8 to
    /// 65,536 characters of visible ASCII.
    Set {
        /// Its name, as `github-token`
        #[arg(value_parser = GivenName::read)]
        name: GivenName,
        /// Read the value from standard input, also on a terminal
        #[arg(long)]
        stdin: bool,
        /// Catches a value, so that it is refused without being repeated
        #[arg(hide = true, allow_hyphen_values = true, value_parser = Discarded::read)]
        value: Vec<Discarded>,
    },
    /// List secrets that are set or asked for, and by which plugins; never values
    List,
    /// Remove a secret
    Remove {
        /// Its name
        #[arg(value_parser = GivenName::read)]
        name: GivenName,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ToolCommand {
    /// List the tools that are offered
    List {
        /// Of one plugin
        plugin: Option<PluginName>,
    },
    /// Call a tool
    Call(CallArgs),
    /// Call a tool and write where its time goes, for the Firefox profiler
    ///
    /// It is looked at once a millisecond while it runs; time in the host is not seen. Lines of source
    /// are there for a plugin that was built in the project around the current folder.
    Profile(ProfileArgs),
    /// Show what calls cost, version by version: fuel, memory, time
    ///
    /// From the last 10,000 calls in the audit, those of projects and of their tests among them.
    /// Changes in percent are against the version before.
    Stats(StatsArgs),
}

/// A tool, and what it is called with.
#[derive(Debug, Args)]
pub(crate) struct WantedArgs {
    /// Its id, as `ax:metrics.measure`
    pub(crate) tool: ToolName,
    /// The input: JSON, `@FILE`, or `-` for standard input [default: {}]
    pub(crate) input: Option<String>,
    /// One member of the input; the value is JSON, or else text
    #[arg(long, value_name = "NAME=VALUE", conflicts_with = "input")]
    pub(crate) arg: Vec<String>,
    /// Allow a permission for this call alone; repeat for more
    #[arg(long, value_name = "PERMISSION")]
    pub(crate) allow: Vec<Permission>,
}

/// What `ax tool call` is told.
#[derive(Debug, Args)]
pub(crate) struct CallArgs {
    #[command(flatten)]
    pub(crate) wanted: WantedArgs,
    /// End the call after this time, as `5 s`; never later than its own limit
    #[arg(long, value_name = "TIME")]
    pub(crate) deadline: Option<ax_manifest::Span>,
    /// Show each host call: what was asked, what decided, bytes, fuel and time
    #[arg(long)]
    pub(crate) trace: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Show every setting
    Show {
        /// Say where each value came from
        #[arg(long)]
        sources: bool,
    },
}

fn folder(text: &str) -> Result<(String, PathBuf), String> {
    match text.split_once('=') {
        Some((name, path)) if !name.is_empty() && !path.is_empty() => {
            Ok((name.to_owned(), PathBuf::from(path)))
        }
        _ => Err("write it as NAME=DIR".to_owned()),
    }
}
