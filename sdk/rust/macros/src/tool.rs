//! From a function to a tool.
//!
//! ```text
//! fn greet(name: String) -> R      stays as it is
//! mod greet { fn tool() -> Tool }  beside it, in the other namespace, so that one path names both
//! ```

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned as _;
use syn::{Attribute, Expr, ExprLit, FnArg, Ident, ItemFn, Lit, Meta, Pat, PatType, ReturnType};

use crate::options::{Options, is_name};

/// The parameter that is the whole input.
const WHOLE: &str = "input";

/// Writes what `#[tool(options)] function` stands for.
pub(crate) fn expand(options: TokenStream, function: TokenStream) -> syn::Result<TokenStream> {
    let options: Options = syn::parse2(options)?;
    let mut function: ItemFn = syn::parse2(function)?;
    check(&function, "a tool")?;
    let name = name(&options, &function.sig.ident)?;
    let description = description(&function)?;
    let parameters = parameters(&mut function)?;
    let Input { types, reading } = input(&parameters);
    let names: Vec<&Ident> = parameters.iter().map(|parameter| &parameter.name).collect();
    let answer = match &function.sig.output {
        ReturnType::Default => quote!(()),
        ReturnType::Type(_, answer) => quote!(#answer),
    };
    let title = match &options.title {
        Some(title) => quote!(::std::option::Option::Some(#title.to_owned())),
        None => quote!(::std::option::Option::None),
    };
    let Options { read_only, destructive, idempotent, open_world, .. } = options;
    let (visibility, ident) = (&function.vis, &function.sig.ident);
    Ok(quote! {
        #function

        #[doc(hidden)]
        #visibility mod #ident {
            #[allow(unused_imports)]
            use super::*;

            #types

            pub const CALL: ::ax_sdk::private::Call = (#name, call);

            fn call(text: &str) -> ::ax_sdk::Result<::ax_sdk::Output> {
                #reading
                ::ax_sdk::Answer::into_output(super::#ident(#(#names),*))
            }

            pub fn tool() -> ::ax_sdk::Tool {
                ::ax_sdk::Tool {
                    name: #name.to_owned(),
                    title: #title,
                    description: #description.to_owned(),
                    input_schema: ::ax_sdk::private::schema_of::<Input>(),
                    output_schema: <#answer as ::ax_sdk::Answer>::schema(),
                    annotations: ::ax_sdk::Annotations {
                        read_only: #read_only,
                        destructive: #destructive,
                        idempotent: #idempotent,
                        open_world: #open_world,
                    },
                    call,
                }
            }
        }
    })
}

/// Refuses what cannot be called with one JSON document.
pub(crate) fn check(function: &ItemFn, what: &str) -> syn::Result<()> {
    let signature = &function.sig;
    let refuse = |span, message: &str| Err(syn::Error::new(span, format!("{what} {message}")));
    if let Some(word) = &signature.asyncness {
        return refuse(word.span(), "is not `async`: what it calls waits by itself");
    }
    if !signature.generics.params.is_empty() {
        return refuse(signature.generics.span(), "has no generic parameters: its schema is one");
    }
    if let Some(word) = &signature.unsafety {
        return refuse(word.span(), "is not `unsafe`: anybody may call it");
    }
    Ok(())
}

/// Returns the tool's name: the one that is set, else the function's.
fn name(options: &Options, ident: &Ident) -> syn::Result<String> {
    if let Some(name) = &options.name {
        return Ok(name.value());
    }
    let word = ident.to_string();
    let name = word.strip_prefix("r#").unwrap_or(&word).replace('_', "-");
    match is_name(&name) {
        true => Ok(name),
        false => Err(syn::Error::new(
            ident.span(),
            format!("`{name}` cannot be the name of a tool; set one: `#[tool(name = \"…\")]`"),
        )),
    }
}

/// Returns the text of the doc comment, which models choose the tool by.
fn description(function: &ItemFn) -> syn::Result<String> {
    let text = documented(&function.attrs);
    if text.is_empty() {
        let message = "a tool needs a description: write a doc comment above it, `/// Counts …`";
        return Err(syn::Error::new(function.sig.ident.span(), message));
    }
    Ok(text)
}

/// Joins the lines of a doc comment; an empty line begins a paragraph.
pub(crate) fn documented(attributes: &[Attribute]) -> String {
    let line = |attribute: &Attribute| match &attribute.meta {
        Meta::NameValue(pair) if pair.path.is_ident("doc") => match &pair.value {
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text.value()),
            _ => None,
        },
        _ => None,
    };
    let lines: Vec<String> = attributes.iter().filter_map(line).collect();
    let lines: Vec<&str> = lines.iter().flat_map(|text| text.split('\n')).map(str::trim).collect();
    let paragraphs = lines.split(|line| line.is_empty()).map(|lines| lines.join(" "));
    paragraphs.filter(|text| !text.is_empty()).collect::<Vec<_>>().join("\n\n")
}

/// One parameter, with the attributes that belong on a member.
pub(crate) struct Parameter {
    attributes: Vec<Attribute>,
    pub(crate) name: Ident,
    ty: syn::Type,
}

/// Takes the attributes off the parameters, which only macros may have.
pub(crate) fn parameters(function: &mut ItemFn) -> syn::Result<Vec<Parameter>> {
    let parameter = |argument: &mut FnArg| match argument {
        FnArg::Receiver(receiver) => {
            Err(syn::Error::new(receiver.span(), "a tool is a function, not a method"))
        }
        FnArg::Typed(PatType { attrs, pat, ty, .. }) => {
            let Pat::Ident(pattern) = &**pat else {
                let message = "a parameter needs a name: it is the name of a member of the input";
                return Err(syn::Error::new(pat.span(), message));
            };
            if matches!(&**ty, syn::Type::Reference(_)) {
                let message = "a parameter is owned, as `String`: it is read from JSON";
                return Err(syn::Error::new(ty.span(), message));
            }
            Ok(Parameter {
                attributes: std::mem::take(attrs),
                name: pattern.ident.clone(),
                ty: (**ty).clone(),
            })
        }
    };
    function.sig.inputs.iter_mut().map(parameter).collect()
}

/// How the input is read.
pub(crate) struct Input {
    /// The type `Input`.
    pub(crate) types: TokenStream,
    /// Reads `text` and names its members as the parameters are named.
    pub(crate) reading: TokenStream,
}

/// Writes the type of the input, and how it is read.
pub(crate) fn input(parameters: &[Parameter]) -> Input {
    let insists: TokenStream = parameters.iter().map(|parameter| insist(&parameter.ty)).collect();
    if let [Parameter { name, ty, .. }] = parameters
        && name == WHOLE
    {
        return Input {
            types: quote! {
                type Input = #ty;
                #insists
            },
            reading: quote! { let input: Input = ::ax_sdk::private::parse(text)?; },
        };
    }
    let member =
        |Parameter { attributes, name, ty }: &Parameter| quote!(#(#attributes)* #name: #ty,);
    let members = parameters.iter().map(member);
    let names: Vec<&Ident> = parameters.iter().map(|parameter| &parameter.name).collect();
    Input {
        types: quote! {
            #insists

            #[derive(::ax_sdk::serde::Deserialize, ::ax_sdk::schemars::JsonSchema)]
            #[serde(crate = "::ax_sdk::serde", deny_unknown_fields)]
            #[schemars(crate = "::ax_sdk::schemars")]
            struct Input { #(#members)* }
        },
        reading: quote! { let Input { #(#names),* } = ::ax_sdk::private::parse(text)?; },
    }
}

/// Has the compiler say at the type itself that it cannot be taken.
fn insist(ty: &syn::Type) -> TokenStream {
    quote_spanned!(ty.span()=> const _: () = ::ax_sdk::private::given::<#ty>();)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(options: &str, function: &str) -> String {
        let parse = |text: &str| text.parse().expect("tokens");
        expand(parse(options), parse(function)).expect_err("it is refused").to_string()
    }

    #[test]
    fn what_cannot_be_a_tool_is_refused_with_the_reason() {
        for (options, function, why) in [
            ("", "fn a() {}", "needs a description"),
            ("", "/// A.\nasync fn a() {}", "not `async`"),
            ("", "/// A.\nfn a<T>(b: T) {}", "no generic parameters"),
            ("", "/// A.\nunsafe fn a() {}", "not `unsafe`"),
            ("", "/// A.\nfn a(b: &str) {}", "a parameter is owned"),
            ("", "/// A.\nfn a((b, c): (u8, u8)) {}", "a parameter needs a name"),
            ("", "/// A.\nfn a(&self) {}", "not a method"),
            ("", "/// A.\nfn _a() {}", "set one: `#[tool(name"),
            ("name = \"A b\"", "/// A.\nfn a() {}", "named like `count-words`"),
            ("readonly", "/// A.\nfn a() {}", "`readonly` is no option"),
            ("", "struct A;", "expected"),
        ] {
            let error = refused(options, function);
            assert!(error.contains(why), "{options} {function}: {error}");
        }
    }
}
