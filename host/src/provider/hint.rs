//! What to type when a provider cannot be asked.

use super::config::ProviderConfig;
use crate::chat::{Class, Error};

/// Says what an operator can do about an error of a provider; nothing where waiting is all there is.
#[must_use]
pub fn hint(error: &Error, config: &ProviderConfig) -> Option<String> {
    let name = &config.name;
    let key = config.keys.first().map_or("NAME", String::as_str);
    Some(match error.code.as_str() {
        "dns" | "connect" | "timeout-connect" | "wrong-url" | "tls" | "tls-name" => {
            let place = config.place().unwrap_or_default();
            format!("look whether `url` of provider `{name}` is right: `{place}`")
        }
        "tls-expired" | "tls-not-yet" => {
            "look at this machine's clock; otherwise its certificate must be renewed there"
                .to_owned()
        }
        "tls-issuer" => "add its authority to those that this machine trusts".to_owned(),
        "unknown-model" => format!("add the model to `models` of provider `{name}`"),
        _ => match error.class {
            Class::Auth if config.keys.is_empty() => format!(
                "type `ax secret set {key}` to keep a key, and name it in `keys` of provider `{name}`"
            ),
            Class::Auth if error.code == "missing-key" => {
                format!("type `ax secret set {key}` to set the key")
            }
            Class::Auth => format!("type `ax secret set {key}` to replace the key"),
            Class::Quota => format!("pay at provider `{name}`, or name another in `fallbacks`"),
            Class::ModelGone => format!("look for a model that provider `{name}` has"),
            _ => return None,
        },
    })
}
