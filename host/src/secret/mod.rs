//! Secrets: kept encrypted, handed out by name, and looked for in whatever goes back to a guest.
//!
//! ```text
//! person ── set ──► Vault ──► secrets.age (age, X25519) ◄── secrets.key
//!                     │ get
//!                     ▼
//!               SecretValue ──► the header of one request to its named host
//!                     │
//!                     ▼
//!                 LeakScan ◄── answers, errors and logs, before a guest or a person sees them
//! ```
//!
//! | file       | answers                                              |
//! |------------|------------------------------------------------------|
//! | `name`     | what may a secret be called?                         |
//! | `value`    | what may it be, and who sees it?                     |
//! | `vault`    | which are there, and how do they change?             |
//! | `key`      | what opens the vault?                                |
//! | `document` | what does the opened vault say?                      |
//! | `files`    | which files are trusted, and how are they replaced?  |
//! | `leak`     | does this text hold a secret, in any usual encoding? |
//! | `tokens`   | which programs are let in, and by which name?        |
//!
//! Invariants: a value is in memory only inside [`value::SecretValue`], and on disk only encrypted;
//! what is damaged, newer, exposed or without its key is refused and left as it is.
//!
//! Not here: which plugin may use which secret toward which host (`ax_manifest::Permission`, grants),
//! putting it into a request (`plugin`), asking a person for it (`cli`).

mod document;
pub mod error;
mod files;
mod key;
pub mod leak;
pub mod name;
pub mod tokens;
pub mod value;
pub mod vault;
