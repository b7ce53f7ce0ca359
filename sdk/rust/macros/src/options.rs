//! What stands in the parentheses of `#[tool(…)]`.

use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Ident, LitStr, Token};

/// The most bytes a name may have.
const NAME_BYTES_MAX: usize = 64;

/// The options of one tool.
#[derive(Default)]
pub(crate) struct Options {
    pub(crate) name: Option<LitStr>,
    pub(crate) title: Option<LitStr>,
    pub(crate) read_only: bool,
    pub(crate) destructive: bool,
    pub(crate) idempotent: bool,
    pub(crate) open_world: bool,
}

/// One of them.
enum Choice {
    Name(LitStr),
    Title(LitStr),
    Promise(Ident),
}

impl Parse for Choice {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let word: Ident = input.parse()?;
        let text = |input: ParseStream<'_>| {
            input.parse::<Token![=]>()?;
            input.parse::<LitStr>()
        };
        match word.to_string().as_str() {
            "name" => Ok(Self::Name(text(input)?)),
            "title" => Ok(Self::Title(text(input)?)),
            _ => Ok(Self::Promise(word)),
        }
    }
}

impl Parse for Options {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let mut options = Self::default();
        for choice in Punctuated::<Choice, Token![,]>::parse_terminated(input)? {
            match choice {
                Choice::Name(name) => options.name = Some(checked(name)?),
                Choice::Title(title) => options.title = Some(title),
                Choice::Promise(word) => match word.to_string().as_str() {
                    "read_only" => options.read_only = true,
                    "destructive" => options.destructive = true,
                    "idempotent" => options.idempotent = true,
                    "open_world" => options.open_world = true,
                    other => {
                        let message = format!(
                            "`{other}` is no option of a tool; there are `name = \"…\"`, \
                             `title = \"…\"`, `read_only`, `destructive`, `idempotent` and `open_world`"
                        );
                        return Err(syn::Error::new(word.span(), message));
                    }
                },
            }
        }
        Ok(options)
    }
}

/// Refuses a name that the host would refuse.
fn checked(name: LitStr) -> syn::Result<LitStr> {
    match is_name(&name.value()) {
        true => Ok(name),
        false => Err(syn::Error::new(
            name.span(),
            "a tool is named like `count-words`: lower-case letters, digits and single hyphens, at \
             most 64",
        )),
    }
}

/// Answers whether a text is kebab-case and short enough.
pub(crate) fn is_name(text: &str) -> bool {
    let is_word = |word: &str| {
        word.starts_with(|first: char| first.is_ascii_lowercase())
            && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    text.len() <= NAME_BYTES_MAX && text.split('-').all(is_word)
}
