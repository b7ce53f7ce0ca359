//! From a type to one that is read from JSON, written as JSON and has a schema.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DeriveInput, Fields, Ident};

/// Writes what `#[data(options)] struct …` stands for.
pub(crate) fn expand(options: TokenStream, item: TokenStream) -> syn::Result<TokenStream> {
    let is_open = match syn::parse2::<Option<Ident>>(options)? {
        None => false,
        Some(word) if word == "open" => true,
        Some(word) => {
            let message = "there is one option, `open`: members that are not known are left out";
            return Err(syn::Error::new(word.span(), message));
        }
    };
    let item: DeriveInput = syn::parse2(item)?;
    let has_members = match &item.data {
        Data::Struct(data) => matches!(data.fields, Fields::Named(_)),
        Data::Enum(_) | Data::Union(_) => false,
    };
    let strict = (has_members && !is_open).then(|| quote!(#[serde(deny_unknown_fields)]));
    Ok(quote! {
        #[derive(
            ::ax_sdk::serde::Serialize,
            ::ax_sdk::serde::Deserialize,
            ::ax_sdk::schemars::JsonSchema,
        )]
        #[serde(crate = "::ax_sdk::serde")]
        #[schemars(crate = "::ax_sdk::schemars")]
        #strict
        #item
    })
}
