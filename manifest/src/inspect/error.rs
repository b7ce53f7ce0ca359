//! Why the bytes of a component are refused.
//!
//! Invariant: texts taken from the file are cleaned before they are put into an error, so that
//! showing the error is safe.
//! Not here: the checks (`framing`, `scan`, `features`, `surface`).

use crate::text::Quoted;

/// Why the bytes cannot be used as a component.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InspectError {
    /// There are no bytes.
    #[error("the file is empty")]
    Empty,
    /// The first four bytes are not `\0asm`.
    #[error("this is not WebAssembly: it does not begin with `\\0asm`")]
    NotWasm,
    /// A core module, as `wasm32-unknown-unknown` and `wasm32-wasip1` make them.
    #[error("this is a core module, not a component")]
    CoreModule,
    /// WebAssembly of a version nobody speaks yet or any more.
    #[error("this is WebAssembly version {version}, layer {layer}; components are 13, layer 1")]
    UnknownVersion {
        /// The number in bytes 4 and 5.
        version: u16,
        /// The number in bytes 6 and 7.
        layer: u16,
    },
    /// The file ends inside a section.
    #[error("the file is cut off: it has {size} bytes and needs at least {needed}")]
    Truncated {
        /// Bytes there are.
        size: u64,
        /// Bytes the last section asks for.
        needed: u64,
    },
    /// The file is longer than [`COMPONENT_BYTES_MAX`](super::COMPONENT_BYTES_MAX).
    #[error("the component has {size} bytes; at most {max} are accepted")]
    TooLarge {
        /// Its length in bytes.
        size: u64,
        /// The bound in bytes.
        max: u64,
    },
    /// There is more of something than a bound of `inspect` allows.
    #[error("the component has {}{count} {what}; at most {max} are accepted",
        if *count == u64::MAX { "at least " } else { "" })]
    TooMany {
        /// What there is too much of, in plural.
        what: &'static str,
        /// How much there is; `u64::MAX` when counting stopped.
        count: u64,
        /// The bound.
        max: u64,
    },
    /// The bytes break a rule of the format.
    #[error("the component is invalid at byte {offset}: {message}")]
    Invalid {
        /// Bytes from the start of the file.
        offset: u64,
        /// The validator's words, cleaned.
        message: String,
    },
    /// It needs a WebAssembly feature that the engine has switched off.
    #[error("the component needs {feature}, which is switched off (byte {offset}: {message})")]
    NeedsFeature {
        /// The feature in words.
        feature: &'static str,
        /// Bytes from the start of the file.
        offset: u64,
        /// The validator's words, cleaned.
        message: String,
    },
    /// It needs component-model async.
    #[error(
        "the component needs component-model async, which is switched off \
         (byte {offset}: {message})"
    )]
    NeedsAsync {
        /// Bytes from the start of the file.
        offset: u64,
        /// The validator's words, cleaned.
        message: String,
    },
    /// It instantiates a component it was handed, so its size cannot be known beforehand.
    #[error("the component instantiates a component that it does not contain (byte {offset})")]
    ForeignComponent {
        /// Bytes from the start of the file.
        offset: u64,
    },
    /// It imports something that is neither an interface, a function nor a type.
    #[error("the component imports {}, which is {what}", Quoted(name))]
    UnsupportedImport {
        /// The import's name as written.
        name: String,
        /// What it is.
        what: &'static str,
    },
    /// A name that would be shown or stored is too long.
    #[error("the name {} has {length} bytes; at most {max} are accepted", Quoted(name))]
    LongName {
        /// The name.
        name: String,
        /// Its length in bytes.
        length: u64,
        /// The bound in bytes.
        max: u64,
    },
}

impl InspectError {
    /// Says what the author can do; printed after the error as `hint: …`.
    pub fn hint(&self) -> Option<String> {
        let text = match self {
            Self::Empty | Self::NotWasm => {
                "give the `.wasm` file that the build wrote; in Rust: \
                 `cargo build --release --target wasm32-wasip2`"
            }
            Self::CoreModule => {
                "build a component: `cargo build --release --target wasm32-wasip2`, or wrap the \
                 module with `wasm-tools component new`"
            }
            Self::UnknownVersion { .. } => "build it again with a current toolchain",
            Self::Truncated { .. } => "copy or download the file again",
            Self::TooLarge { .. } => "strip debug sections: `wasm-tools strip --all -o OUT IN`",
            Self::TooMany { .. } => "split it into several plugins",
            Self::Invalid { .. } => "see what `wasm-tools validate` says, and build it again",
            Self::NeedsFeature { .. } => "build without that feature (compiler flag or target)",
            Self::NeedsAsync { .. } => {
                "build without async; with QuickJS, pass `--backend-qjs-disable-async`"
            }
            Self::ForeignComponent { .. } => "compose with `wac plug`, which embeds what it uses",
            Self::UnsupportedImport { .. } => "import WIT interfaces only",
            Self::LongName { .. } => "give it a shorter name in the WIT",
        };
        Some(text.to_owned())
    }
}
