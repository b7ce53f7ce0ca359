//! `[permissions]`: what the plugin asks, why, and how much of it.
//!
//! Invariant: asks are sorted by permission, none stands twice, and none asks for everything of a
//! kind by a bare `*`, which is for policies.
//! Not here: the grammar of permissions (`permission`), consent (host).

use std::collections::BTreeSet;

use crate::manifest::error::{Located, ManifestErrorKind};
use crate::manifest::section::{Section, shown_line};
use crate::manifest::tree::{Node, Value};
use crate::nearest::nearest;
use crate::permission::{
    ANY, Flaw, MemoryScope, Method, NetRule, PERMISSION_BYTES_MAX, PathPattern, Permission,
    PermissionError, PermissionKind, ToolPattern, check_length, parse_detail,
};
use crate::quantity::ByteSize;

/// Permissions one plugin may ask. A person reads each before agreeing.
const ASKS_MAX: usize = 128;

/// Characters of a reason: one line on the card.
const REASON_CHARS_MAX: usize = 200;

/// Characters of the header that carries a secret, with its name.
const HEADER_CHARS_MAX: usize = 256;

/// Bytes of key-value data: more belongs into a file or a service.
const KV_BYTES_MAX: ByteSize = ByteSize(1 << 30);

/// Calls of models per run that can be asked.
const MODEL_CALLS_MAX: u32 = 1_000_000;

/// Tokens per run that can be asked: what a large model reads in a day, many times over.
const MODEL_TOKENS_MAX: u64 = 10_000_000_000;

/// Millionths of a US dollar of one run that can be asked: 10,000 USD.
const MODEL_MICRO_USD_MAX: u64 = 10_000_000_000;

/// Methods or paths of one rule: each takes two bytes at least of the text of a permission, and
/// each path is compared with every other.
const PARTS_MAX: usize = PERMISSION_BYTES_MAX / 2;

/// Keys under `[permissions]`, in the order of the design. Only `secrets` differs from its kind.
const KEYS: [(&str, PermissionKind); 11] = [
    ("fs", PermissionKind::Fs),
    ("net", PermissionKind::Net),
    ("secrets", PermissionKind::Secret),
    ("models", PermissionKind::Models),
    ("tools", PermissionKind::Tools),
    ("services", PermissionKind::Services),
    ("events", PermissionKind::Events),
    ("kv", PermissionKind::Kv),
    ("memory", PermissionKind::Memory),
    ("agents", PermissionKind::Agents),
    ("env", PermissionKind::Env),
];

/// One permission that is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// What.
    pub permission: Permission,
    /// Why, in the author's words; one line of at most 200 characters.
    pub reason: Option<String>,
    /// How much of it.
    pub quota: Quota,
    /// For a secret: the header that carries it, with `{}` for the value, like
    /// `Authorization: Bearer {}`.
    pub header: Option<String>,
}

/// How much of a permission is asked; `None` leaves it to the operator.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Quota {
    /// For `kv`: bytes of data.
    pub bytes: Option<ByteSize>,
    /// For `models`: calls per run.
    pub calls: Option<u32>,
    /// For `models`: tokens per run.
    pub tokens: Option<u64>,
    /// For `models`: money per run, in millionths of a US dollar.
    pub micro_usd: Option<u64>,
}

/// Returns the key under `[permissions]` for permissions of `kind`.
pub(super) fn key_of(kind: PermissionKind) -> &'static str {
    KEYS.iter().find(|(_, known)| *known == kind).map_or("", |(key, _)| key)
}

/// Returns a line under `[permissions]` that asks for something of `kind`.
pub(super) fn example_of(kind: PermissionKind) -> &'static str {
    match kind {
        PermissionKind::Kv => r#"kv = { bytes = "10 MiB" }"#,
        PermissionKind::Net => {
            r#"net = [{ to = "https://api.github.com", methods = ["GET"], paths = ["/repos/**"] }]"#
        }
        PermissionKind::Secret => {
            r#"secrets = [{ name = "github-token", to = "https://api.github.com" }]"#
        }
        PermissionKind::Models => r#"models = [{ tier = "fast", calls = 20 }]"#,
        PermissionKind::Tools => r#"tools = ["ax:fetch.get"]"#,
        PermissionKind::Services => r#"services = ["ax:notes/search"]"#,
        PermissionKind::Events => {
            r#"events = { publish = ["review.*"], subscribe = ["task.completed"] }"#
        }
        PermissionKind::Memory => r#"memory = ["private"]"#,
        PermissionKind::Agents => r#"agents = ["reviewer"]"#,
        PermissionKind::Fs => r#"fs = [{ path = "workspace", access = "read" }]"#,
        PermissionKind::Env => r#"env = ["LANG"]"#,
    }
}

/// An ask and where it stands.
type Placed<'a> = (&'a Node, Ask);

pub(super) fn from_node(node: &Node) -> Result<Vec<Ask>, Located> {
    let mut asks: Vec<Ask> = placed(node)?.into_iter().map(|(_, ask)| ask).collect();
    asks.sort_by(|a, b| a.permission.cmp(&b.permission));
    Ok(asks)
}

/// Returns each permission with the byte offset of the value that asks for it.
pub(super) fn offsets(node: &Node) -> Result<Vec<(Permission, usize)>, Located> {
    Ok(placed(node)?.into_iter().map(|(node, ask)| (ask.permission, node.at)).collect())
}

fn placed(node: &Node) -> Result<Vec<Placed<'_>>, Located> {
    let mut placed: Vec<Placed<'_>> = Vec::new();
    for entry in node.entries("permissions")? {
        let Some(&(_, kind)) = KEYS.iter().find(|(key, _)| *key == entry.key) else {
            let nearest = nearest(&entry.key, KEYS.iter().map(|(key, _)| *key));
            let kind = ManifestErrorKind::UnknownPermission { key: entry.key.clone(), nearest };
            return Err(Located { at: entry.key_at, kind });
        };
        asks_of(kind, &entry.node, &mut placed)?;
    }
    if placed.len() > ASKS_MAX {
        let (count, max) = (placed.len(), ASKS_MAX);
        return Err(node.wrong(ManifestErrorKind::TooMany { what: "permissions", count, max }));
    }
    let mut seen = BTreeSet::new();
    for (node, ask) in &placed {
        refuse_everything(node, &ask.permission)?;
        if !seen.insert(&ask.permission) {
            let permission = Box::new(ask.permission.clone());
            return Err(node.wrong(ManifestErrorKind::DuplicatePermission { permission }));
        }
    }
    Ok(placed)
}

fn asks_of<'a>(
    kind: PermissionKind,
    node: &'a Node,
    placed: &mut Vec<Placed<'a>>,
) -> Result<(), Located> {
    let key = format!("permissions.{}", key_of(kind));
    match kind {
        PermissionKind::Kv => placed.push((node, kv(node, &key)?)),
        PermissionKind::Events => {
            let section = Section::open(node, &key, &["publish", "subscribe"])?;
            for direction in ["publish", "subscribe"] {
                let Some(topics) = section.get(direction) else { continue };
                let prefix = format!("{direction}:");
                each(topics, &section.path(direction), placed, |item, key| {
                    named(kind, item, key, &prefix)
                })?;
            }
        }
        PermissionKind::Net => each(node, &key, placed, net)?,
        PermissionKind::Secret => each(node, &key, placed, secret)?,
        PermissionKind::Models => each(node, &key, placed, models)?,
        PermissionKind::Fs => each(node, &key, placed, fs)?,
        PermissionKind::Tools
        | PermissionKind::Services
        | PermissionKind::Memory
        | PermissionKind::Agents
        | PermissionKind::Env => {
            each(node, &key, placed, |item, key| named(kind, item, key, ""))?;
        }
    }
    Ok(())
}

fn each<'a>(
    node: &'a Node,
    key: &str,
    placed: &mut Vec<Placed<'a>>,
    read: impl Fn(&'a Node, &str) -> Result<Ask, Located>,
) -> Result<(), Located> {
    for (index, item) in node.items(key)?.iter().enumerate() {
        placed.push((item, read(item, &format!("{key}[{index}]"))?));
    }
    Ok(())
}

/// Reads `"LANG"` or `{ name = "LANG", reason = "…" }`.
fn named(kind: PermissionKind, node: &Node, key: &str, prefix: &str) -> Result<Ask, Located> {
    let (name, reason) = match &node.value {
        Value::String(_) => (node, None),
        Value::Table(_) => {
            let section = Section::open(node, key, &["name", "reason"])?;
            (section.required("name")?, reason(&section)?)
        }
        _ => return Err(node.wrong_type(key, "a string or a table with `name` and `reason`")),
    };
    let detail = format!("{prefix}{}", name.text(&format!("{key}.name"))?);
    let permission = checked(kind, name, &detail, parse_detail(kind, &detail))?;
    Ok(Ask { permission, reason, quota: Quota::default(), header: None })
}

fn kv(node: &Node, key: &str) -> Result<Ask, Located> {
    let section = Section::open(node, key, &["bytes", "reason"])?;
    let bytes = section.amount("bytes", "a size like `\"10 MiB\"`", ByteSize(1), KV_BYTES_MAX)?;
    let quota = Quota { bytes, ..Quota::default() };
    Ok(Ask { permission: Permission::Kv, reason: reason(&section)?, quota, header: None })
}

fn fs(node: &Node, key: &str) -> Result<Ask, Located> {
    let section = Section::open(node, key, &["path", "access", "reason"])?;
    let (path, access) = (section.required("path")?, section.required("access")?);
    // Each half is tried beside a right one, so that an error points at the half that is wrong.
    let folder = path.text(&section.path("path"))?;
    let detail = format!("{folder}:read");
    checked(PermissionKind::Fs, path, folder, parse_detail(PermissionKind::Fs, &detail))?;
    let detail = format!("{folder}:{}", access.text(&section.path("access"))?);
    let parsed = parse_detail(PermissionKind::Fs, &detail);
    let permission = checked(PermissionKind::Fs, access, &detail, parsed)?;
    Ok(Ask { permission, reason: reason(&section)?, quota: Quota::default(), header: None })
}

fn net(node: &Node, key: &str) -> Result<Ask, Located> {
    let kind = PermissionKind::Net;
    let section =
        Section::open(node, key, &["to", "methods", "paths", "idempotency-key", "reason"])?;
    let to = section.required("to")?;
    let text = to.text(&section.path("to"))?;
    let origin = text.parse().map_err(|flaw| wrong_part(kind, to, text, flaw))?;
    let methods: Vec<Method> = parts(&section, "methods", kind)?;
    let paths: Vec<PathPattern> = parts(&section, "paths", kind)?;
    let rule = NetRule::new(origin, methods.into_iter().collect(), paths);
    let rule = match section.get("idempotency-key") {
        Some(key) if section.boolean("idempotency-key")? == Some(true) => {
            rule.honouring_key().map_err(|flaw| wrong_part(kind, key, "idempotency-key", flaw))?
        }
        _ => rule,
    };
    let permission = checked(kind, node, text, Ok(Permission::Net(rule)))?;
    Ok(Ask { permission, reason: reason(&section)?, quota: Quota::default(), header: None })
}

/// Reads a list of texts that each parse alone; an absent list is empty, an empty list is refused,
/// since it looks like "none" and would mean the default.
fn parts<T: std::str::FromStr<Err = Flaw>>(
    section: &Section<'_, '_>,
    key: &str,
    kind: PermissionKind,
) -> Result<Vec<T>, Located> {
    let Some(node) = section.get(key) else { return Ok(Vec::new()) };
    let path = section.path(key);
    let items = node.items(&path)?;
    if items.is_empty() {
        return Err(node.wrong(ManifestErrorKind::EmptyList { key: path }));
    }
    if items.len() > PARTS_MAX {
        let (what, count, max) = ("methods or paths", items.len(), PARTS_MAX);
        return Err(node.wrong(ManifestErrorKind::TooMany { what, count, max }));
    }
    let part = |item: &Node| {
        let text = item.text(&path)?;
        text.parse().map_err(|flaw| wrong_part(kind, item, text, flaw))
    };
    items.iter().map(part).collect()
}

fn secret(node: &Node, key: &str) -> Result<Ask, Located> {
    let kind = PermissionKind::Secret;
    let section = Section::open(node, key, &["name", "to", "header", "reason"])?;
    let (name, to) = (section.required("name")?, section.required("to")?);
    let origin = to.text(&section.path("to"))?;
    origin.parse::<crate::Origin>().map_err(|flaw| wrong_part(kind, to, origin, flaw))?;
    let detail = format!("{}@{origin}", name.text(&section.path("name"))?);
    let permission = checked(kind, name, &detail, parse_detail(kind, &detail))?;
    let header = section.get("header").map(|node| header(node, &section.path("header")));
    Ok(Ask {
        permission,
        reason: reason(&section)?,
        quota: Quota::default(),
        header: header.transpose()?,
    })
}

/// Reads `Name: value` with one `{}` for the secret.
fn header(node: &Node, key: &str) -> Result<String, Located> {
    let text = node.text(key)?;
    let wrong = |why| node.wrong(ManifestErrorKind::Header { text: text.to_owned(), why });
    if text.len() > HEADER_CHARS_MAX {
        return Err(wrong("it is longer than 256 characters"));
    }
    let Some((name, value)) = text.split_once(": ") else {
        return Err(wrong("it has no `: ` between name and value"));
    };
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if name.is_empty() || !name.bytes().all(is_token) {
        return Err(wrong("its name is not the name of a header"));
    }
    if is_the_hosts(name) {
        return Err(wrong("the host itself sets that header, or drops it"));
    }
    if !value.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ') {
        return Err(wrong("its value holds a character that is not printable ASCII"));
    }
    if value.matches("{}").count() != 1 {
        return Err(wrong("its value does not hold `{}` once, for the secret"));
    }
    Ok(text.to_owned())
}

/// Headers that say where a request goes, where its body ends and how it is encoded.
fn is_the_hosts(name: &str) -> bool {
    const NAMES: [&str; 13] = [
        "accept-encoding",
        "connection",
        "expect",
        "host",
        "http2-settings",
        "keep-alive",
        "range",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "via",
        "date",
    ];
    let name = name.to_ascii_lowercase();
    NAMES.contains(&name.as_str()) || name.starts_with("proxy-") || name.starts_with("content-")
}

fn models(node: &Node, key: &str) -> Result<Ask, Located> {
    let kind = PermissionKind::Models;
    let section = Section::open(node, key, &["tier", "calls", "tokens", "cost-usd", "reason"])?;
    let tier = section.required("tier")?;
    let detail = tier.text(&section.path("tier"))?;
    let permission = checked(kind, tier, detail, parse_detail(kind, detail))?;
    let quota = Quota {
        bytes: None,
        calls: section.small_count("calls", MODEL_CALLS_MAX)?,
        tokens: section.count("tokens", MODEL_TOKENS_MAX)?,
        micro_usd: section.micro_usd("cost-usd", MODEL_MICRO_USD_MAX)?,
    };
    Ok(Ask { permission, reason: reason(&section)?, quota, header: None })
}

fn reason(section: &Section<'_, '_>) -> Result<Option<String>, Located> {
    let path = section.path("reason");
    section.get("reason").map(|node| shown_line(node, &path, REASON_CHARS_MAX)).transpose()
}

/// Puts the place onto what the grammar says, and checks the length of the whole.
fn checked(
    kind: PermissionKind,
    node: &Node,
    text: &str,
    parsed: Result<Permission, Flaw>,
) -> Result<Permission, Located> {
    let permission = parsed.map_err(|flaw| wrong_part(kind, node, text, flaw))?;
    check_length(permission)
        .map_err(|error| node.wrong(ManifestErrorKind::Permission { kind, error }))
}

fn wrong_part(kind: PermissionKind, node: &Node, text: &str, flaw: Flaw) -> Located {
    let error = PermissionError::wrong(text, kind, flaw);
    node.wrong(ManifestErrorKind::Permission { kind, error })
}

/// Refuses a permission that names everything of its kind. Hosts are the exception: a plugin that
/// fetches what it is told to must be able to say so.
fn refuse_everything(node: &Node, permission: &Permission) -> Result<(), Located> {
    let everything = match permission {
        Permission::Kv | Permission::Net(_) | Permission::Memory(MemoryScope::Private) => false,
        Permission::Tools(tools) => *tools == ToolPattern::Any,
        Permission::Secret { name, to } => name == ANY || !to.is_exact(),
        Permission::Models { tier: name }
        | Permission::Services { service: name, .. }
        | Permission::Events { topic: name, .. }
        | Permission::Memory(MemoryScope::Shared(name))
        | Permission::Agents { name }
        | Permission::Fs { folder: name, .. }
        | Permission::Env { name } => name == ANY,
    };
    if everything {
        let permission = Box::new(permission.clone());
        return Err(node.wrong(ManifestErrorKind::Everything { permission }));
    }
    Ok(())
}
