//! From a function to an agent: as a tool, with a goal beside the input.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Ident, ItemFn, LitStr, ReturnType};

use crate::options::is_name;
use crate::tool::{Input, Parameter, check, documented, input, parameters};

/// The parameter that is what is wanted of the agent, in a sentence.
const GOAL: &str = "goal";

/// Writes what `#[agent(options)] function` stands for.
pub(crate) fn expand(options: TokenStream, function: TokenStream) -> syn::Result<TokenStream> {
    let mut function: ItemFn = syn::parse2(function)?;
    check(&function, "an agent")?;
    let name = name(options, &function.sig.ident)?;
    let summary = documented(&function.attrs);
    if summary.is_empty() {
        let message = "an agent needs a summary: write a doc comment above it, `/// Writes …`";
        return Err(syn::Error::new(function.sig.ident.span(), message));
    }
    let all = parameters(&mut function)?;
    let names: Vec<Ident> = all.iter().map(|parameter| parameter.name.clone()).collect();
    let members: Vec<Parameter> = all.into_iter().filter(|it| it.name != GOAL).collect();
    let Input { types, reading } = input(&members);
    let answer = match &function.sig.output {
        ReturnType::Default => quote!(()),
        ReturnType::Type(_, answer) => quote!(#answer),
    };
    let (visibility, ident) = (&function.vis, &function.sig.ident);
    Ok(quote! {
        #function

        #[doc(hidden)]
        #visibility mod #ident {
            #[allow(unused_imports)]
            use super::*;

            #types

            fn run(goal: &str, text: &str) -> ::ax_sdk::Result<::ax_sdk::Output> {
                #[allow(unused_variables)]
                let goal = goal.to_owned();
                #reading
                ::ax_sdk::Answer::into_output(super::#ident(#(#names),*))
            }

            pub fn agent() -> ::ax_sdk::Agent {
                ::ax_sdk::Agent {
                    name: #name.to_owned(),
                    summary: #summary.to_owned(),
                    input_schema: ::ax_sdk::private::schema_of::<Input>(),
                    output_schema: <#answer as ::ax_sdk::Answer>::schema(),
                    run,
                }
            }
        }
    })
}

/// Returns the agent's name: the one that is set, else the function's.
fn name(options: TokenStream, ident: &Ident) -> syn::Result<String> {
    let word = ident.to_string();
    let (name, span) = match options.is_empty() {
        true => (word.strip_prefix("r#").unwrap_or(&word).replace('_', "-"), ident.span()),
        false => {
            let pair: syn::MetaNameValue = syn::parse2(options)?;
            let refuse = || {
                let message = "the one option of an agent is `name = \"…\"`";
                syn::Error::new_spanned(&pair, message)
            };
            let syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) = &pair.value else {
                return Err(refuse());
            };
            if !pair.path.is_ident("name") {
                return Err(refuse());
            }
            (LitStr::value(text), text.span())
        }
    };
    match is_name(&name) {
        true => Ok(name),
        false => Err(syn::Error::new(
            span,
            format!(
                "`{name}` cannot be the name of an agent; one is like `repo-report`: \
                 `#[agent(name = \"…\")]`"
            ),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_an_agent_is_refused_with_the_reason() {
        let parse = |text: &str| text.parse().expect("tokens");
        for (options, function, why) in [
            ("", "fn a() {}", "needs a summary"),
            ("", "/// A.\nasync fn a() {}", "an agent is not `async`"),
            ("read_only", "/// A.\nfn a() {}", "expected `=`"),
            ("title = \"a\"", "/// A.\nfn a() {}", "the one option of an agent"),
            ("name = \"A b\"", "/// A.\nfn a() {}", "cannot be the name of an agent"),
        ] {
            let error = expand(parse(options), parse(function)).expect_err("it is refused");
            assert!(error.to_string().contains(why), "{options} {function}: {error}");
        }
    }
}
