//! Permissions in plain words, for the card a person reads before agreeing.
//!
//! Invariant: the sentence names everything the permission allows; what it would leave out is said
//! by the text form beside it. Each follows "may …".
//! Not here: the card's layout and transitive reach (host, cli).

use crate::permission::{
    ANY, Access, DEFAULT_MODEL, EventDirection, MemoryScope, Method, NetRule, Permission, Scheme,
    ToolPattern,
};

impl Permission {
    /// Says what this allows, as a phrase that follows "may", like "read files in the folder
    /// `workspace`".
    pub fn plain_words(&self) -> String {
        match self {
            Self::Kv => "keep data of its own between calls".to_owned(),
            Self::Net(rule) => net_words(rule),
            Self::Secret { name, to } => format!(
                "have {} added to its requests to {to}{}, without seeing the value",
                one_or_all(name, "the secret", "every secret"),
                match to.scheme() {
                    Scheme::Http => " (not encrypted: whoever is on the way can read it)",
                    Scheme::Https => "",
                }
            ),
            Self::Models { tier } if tier == DEFAULT_MODEL => {
                "ask the model you have chosen for all, which sends what it knows to its provider"
                    .to_owned()
            }
            Self::Models { tier } => format!(
                "ask {}, which sends what it knows to the provider",
                one_or_all(tier, "the model or tier", "every model")
            ),
            Self::Tools(ToolPattern::Any) => "call every tool of every plugin".to_owned(),
            Self::Tools(ToolPattern::AllOf(plugin)) => format!("call every tool of `{plugin}`"),
            Self::Tools(ToolPattern::One(tool)) => format!("call the tool `{tool}`"),
            Self::Services { plugin, service } => {
                format!("use {} of `{plugin}`", one_or_all(service, "the service", "every service"))
            }
            Self::Events { direction, topic } => {
                let verb = match direction {
                    EventDirection::Publish => "publish",
                    EventDirection::Subscribe => "receive",
                };
                format!("{verb} {}", one_or_all(topic, "events on the topic", "every event"))
            }
            Self::Memory(MemoryScope::Private) => "read and write its own memory".to_owned(),
            Self::Memory(MemoryScope::Shared(name)) => format!(
                "read and write {}",
                one_or_all(name, "the shared memory", "every shared memory")
            ),
            Self::Agents { name } => {
                format!("hand work to {}", one_or_all(name, "the agent", "every agent"))
            }
            Self::Fs { folder, access } => {
                let verb = match access {
                    Access::Read => "read files in",
                    Access::Write => "read, create, change and delete files in",
                };
                format!("{verb} {}", one_or_all(folder, "the folder", "every folder"))
            }
            Self::Env { name } => format!(
                "see {}",
                one_or_all(name, "the environment variable", "every environment variable")
            ),
        }
    }
}

fn one_or_all(name: &str, one: &str, all: &str) -> String {
    if name == ANY { all.to_owned() } else { format!("{one} `{name}`") }
}

fn net_words(rule: &NetRule) -> String {
    let Some(origin) = rule.origin() else {
        return "send any request to any host".to_owned();
    };
    let methods: Vec<&str> = rule.methods().iter().map(|method| method.word()).collect();
    let requests = match methods.as_slice() {
        all if all.len() == Method::ALL.len() => "any request".to_owned(),
        [front @ .., last] if !front.is_empty() => {
            format!("{} and {last} requests", front.join(", "))
        }
        some => format!("{} requests", some.join(", ")),
    };
    let paths: Vec<String> = rule.paths().iter().map(|path| format!("`{path}`")).collect();
    let paths =
        if paths.is_empty() { String::new() } else { format!(", only {}", paths.join(", ")) };
    let again = match rule.honours_key() {
        true => ", and after a crash again with the same `Idempotency-Key`",
        false => "",
    };
    format!("send {requests} to {origin}{paths}{again}")
}

#[cfg(test)]
mod tests {
    use crate::permission::Permission;

    #[test]
    fn every_kind_has_plain_words() {
        let lines = [
            "kv",
            "net:*",
            "net:https://api.github.com",
            "net:https://*:*:/repos/**,/users/*",
            "net:https://h:POST,idempotency-key:/orders/**",
            "secret:github-token@https://api.github.com",
            "secret:*@https://*",
            "models:fast",
            "models:default",
            "models:*",
            "tools:*",
            "tools:ax:fetch.*",
            "tools:ax:fetch.get",
            "services:ax:notes/search",
            "services:ax:notes/*",
            "events:publish:review.*",
            "events:subscribe:*",
            "memory:private",
            "memory:shared:team",
            "agents:reviewer",
            "fs:workspace:read",
            "fs:*:write",
            "env:LANG",
        ]
        .map(|text| text.parse::<Permission>().expect(text).plain_words());
        insta::assert_snapshot!(lines.join("\n"), @"
        keep data of its own between calls
        send any request to any host
        send GET and HEAD requests to https://api.github.com
        send any request to https://*, only `/repos/**`, `/users/*`
        send POST requests to https://h, only `/orders/**`, and after a crash again with the same `Idempotency-Key`
        have the secret `github-token` added to its requests to https://api.github.com, without seeing the value
        have every secret added to its requests to https://*, without seeing the value
        ask the model or tier `fast`, which sends what it knows to the provider
        ask the model you have chosen for all, which sends what it knows to its provider
        ask every model, which sends what it knows to the provider
        call every tool of every plugin
        call every tool of `ax:fetch`
        call the tool `ax:fetch.get`
        use the service `search` of `ax:notes`
        use every service of `ax:notes`
        publish events on the topic `review.*`
        receive every event
        read and write its own memory
        read and write the shared memory `team`
        hand work to the agent `reviewer`
        read files in the folder `workspace`
        read, create, change and delete files in every folder
        see the environment variable `LANG`
        ");
    }
}
