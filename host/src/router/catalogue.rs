//! What models cost and can do: a table with a date and a source for each row, and a user's rows over it.
//!
//! Invariant: money is whole numbers of millionths of a dollar; nothing is refused for what is not known.
//! Not here: which model is asked (`driver`), what a request needs (`candidates`).

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::Serialize;

use crate::chat::ModelInfo;
use crate::chat::Usage;

/// The rows that come with the program.
const BUILT_IN: &str = include_str!("models.toml");

/// Bytes of a user's table: a thousand times more than there are models to name.
pub const FILE_BYTES_MAX: usize = 4 << 20;

/// The dearest price that is no typing error, in USD for a million tokens.
const PRICE_MAX: f64 = 1_000_000.0;

/// Why a table cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    /// It is no table of models.
    #[error("the table of models cannot be read: {why}")]
    Form {
        /// What is wrong, in one line.
        why: String,
    },
    /// A number is out of its bounds.
    #[error("`{field}` of the model `{model}` is {found}, and 0 to {PRICE_MAX} are allowed")]
    Price {
        /// Which row.
        model: String,
        /// Which number.
        field: &'static str,
        /// What it is.
        found: f64,
    },
    /// Two rows have one name.
    #[error("the model `{model}` is there twice")]
    Twice {
        /// Which.
        model: String,
    },
    /// It is too large.
    #[error("the table of models has {bytes} bytes, and {FILE_BYTES_MAX} are allowed")]
    Large {
        /// Its size.
        bytes: usize,
    },
}

impl CatalogueError {
    /// Says what the user can do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Form { .. } => Some(
                "write rows as `[[model]]` with `name`, `input` and `output` in USD for a million tokens"
                    .to_owned(),
            ),
            Self::Price { .. } => Some("write USD for a million tokens".to_owned()),
            Self::Twice { model } => Some(format!("remove one of the rows of `{model}`")),
            Self::Large { .. } => Some("keep the rows of the models that are asked".to_owned()),
        }
    }
}

/// How many times more a request may be than was estimated: as far as estimates are corrected (`limit`).
const ESTIMATE_WRONG_MAX: u64 = 5;

/// What a million tokens cost, in millionths of a dollar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Prices {
    /// Read. What is written into the provider's cache counts as read.
    pub input: u64,
    /// Written.
    pub output: u64,
    /// Read from the provider's cache.
    pub cache_read: u64,
}

/// Whether a model thinks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Thinks {
    /// It cannot.
    Never,
    /// If it is asked to.
    Sometimes,
    /// It cannot do without.
    Always,
}

/// What is known of one model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// What it costs.
    pub prices: Prices,
    /// What a request that reads more tokens than that costs.
    pub long: Option<(u64, Prices)>,
    /// What it can do.
    pub abilities: Abilities,
    /// When this was so, as `2026-11-20`.
    pub date: String,
    /// Who says so.
    pub source: String,
}

/// What a model can do; nothing where it is not known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Abilities {
    /// Tokens of a conversation.
    pub context_tokens: Option<u64>,
    /// Tokens of an answer.
    pub output_tokens: Option<u64>,
    /// Temperature and `top_p` are taken.
    pub sampling: Option<bool>,
    /// A conversation may end with the assistant's words.
    pub prefill: Option<bool>,
    /// Tools may be called.
    pub tools: Option<bool>,
    /// Pictures are seen.
    pub images: Option<bool>,
    /// Other files are read.
    pub files: Option<bool>,
    /// Whether it thinks.
    pub thinking: Option<Thinks>,
}

/// Where the numbers of a cost are from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Basis {
    /// The provider told the tokens of the whole answer.
    Reported,
    /// They were guessed, or the answer was cut.
    Estimated,
}

/// What an answer cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Cost {
    /// Where the tokens are from.
    pub basis: Basis,
    /// Millionths of a dollar, rounded up.
    pub micro_usd: u64,
    /// The prices that were used.
    pub prices: Prices,
}

/// The table.
#[derive(Debug, Clone)]
pub struct Catalogue {
    rows: BTreeMap<String, Row>,
    /// What providers list of models.
    listed: BTreeMap<String, Abilities>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    sources: BTreeMap<String, String>,
    #[serde(default, rename = "model")]
    models: Vec<FileRow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileRow {
    name: String,
    input: f64,
    output: f64,
    cache_read: Option<f64>,
    long: Option<FileLong>,
    context_tokens: Option<u64>,
    output_tokens: Option<u64>,
    sampling: Option<bool>,
    prefill: Option<bool>,
    tools: Option<bool>,
    images: Option<bool>,
    files: Option<bool>,
    thinking: Option<Thinks>,
    #[serde(default)]
    date: String,
    #[serde(default = "of_the_user")]
    source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileLong {
    above: u64,
    input: Option<f64>,
    output: Option<f64>,
    cache_read: Option<f64>,
}

fn of_the_user() -> String {
    "the user's file".to_owned()
}

impl Catalogue {
    /// Reads the rows that come with the program.
    #[must_use]
    pub fn built_in() -> Self {
        let mut table = Self { rows: BTreeMap::new(), listed: BTreeMap::new() };
        table.add(BUILT_IN).expect("a test reads the table that is built in");
        table
    }

    /// Puts a user's rows over those that are there, each in the place of the whole row of its name.
    ///
    /// # Errors
    ///
    /// [`CatalogueError`] if the text is no table; then nothing is changed.
    pub fn add(&mut self, text: &str) -> Result<(), CatalogueError> {
        if text.len() > FILE_BYTES_MAX {
            return Err(CatalogueError::Large { bytes: text.len() });
        }
        let form = |error: toml::de::Error| CatalogueError::Form {
            why: error.message().lines().next().unwrap_or_default().to_owned(),
        };
        let file: File = toml::from_str(text).map_err(form)?;
        let mut rows = BTreeMap::new();
        for row in file.models {
            let name = row.name.clone();
            let row = row.checked(&file.sources)?;
            if rows.insert(name.clone(), row).is_some() {
                return Err(CatalogueError::Twice { model: name });
            }
        }
        self.rows.extend(rows);
        Ok(())
    }

    /// Learns the bounds that a provider lists of its models; what a row says goes before.
    pub fn learn(&mut self, models: &[ModelInfo]) {
        for model in models {
            let ModelInfo { name, context_tokens, output_tokens } = model;
            let (context_tokens, output_tokens) = (*context_tokens, *output_tokens);
            let known = Abilities { context_tokens, output_tokens, ..Abilities::default() };
            self.listed.insert(name.clone(), known);
        }
    }

    /// Finds the row of a model: by its name, or by its name without the date at its end
    /// (`claude-haiku-4-5-20251001`, `gpt-5.4-2026-03-05`).
    #[must_use]
    pub fn row(&self, model: &str) -> Option<&Row> {
        self.rows.get(model).or_else(|| self.rows.get(undated(model)?))
    }

    /// Returns what is known of what a model can do.
    #[must_use]
    pub fn abilities(&self, model: &str) -> Abilities {
        let mut known = self.row(model).map(|row| row.abilities).unwrap_or_default();
        if let Some(listed) = self.listed.get(model) {
            known.context_tokens = known.context_tokens.or(listed.context_tokens);
            known.output_tokens = known.output_tokens.or(listed.output_tokens);
        }
        known
    }

    /// Says what `usage` of a model costs; nothing if its prices are not known.
    #[must_use]
    pub fn cost(&self, model: &str, usage: Usage, basis: Basis) -> Option<Cost> {
        Some(self.row(model)?.cost(usage, basis))
    }

    /// Lists the rows, by name.
    pub fn rows(&self) -> impl Iterator<Item = (&str, &Row)> {
        self.rows.iter().map(|(name, row)| (name.as_str(), row))
    }
}

impl Row {
    /// Says what `usage` costs.
    #[must_use]
    pub fn cost(&self, usage: Usage, basis: Basis) -> Cost {
        let prices = match self.long {
            Some((above, prices)) if usage.input > above => prices,
            _ => self.prices,
        };
        let cached = usage.cache_read.min(usage.input);
        let amount = |tokens: u64, price: u64| u128::from(tokens) * u128::from(price);
        let sum = amount(usage.input - cached, prices.input)
            + amount(cached, prices.cache_read)
            + amount(usage.output, prices.output);
        let micro_usd = u64::try_from(sum.div_ceil(1_000_000)).unwrap_or(u64::MAX);
        Cost { basis, micro_usd, prices }
    }
}

impl Row {
    /// Says what a request costs at most that is estimated to read `input` tokens and has `output` written
    /// at most, in millionths of a dollar: nothing of it comes from a cache, and a long one costs what
    /// long ones cost if the estimate may be as wrong as estimates are.
    #[must_use]
    pub fn bound(&self, input: u64, output: u64) -> u64 {
        let amount = |prices: Prices| {
            u128::from(input) * u128::from(prices.input.max(prices.cache_read))
                + u128::from(output) * u128::from(prices.output)
        };
        let may_be_long = |above: u64| input.saturating_mul(ESTIMATE_WRONG_MAX) > above;
        let long = self.long.filter(|(above, _)| may_be_long(*above));
        let most = amount(self.prices).max(long.map_or(0, |(_, prices)| amount(prices)));
        u64::try_from(most.div_ceil(1_000_000)).unwrap_or(u64::MAX)
    }
}

impl FileRow {
    fn checked(self, sources: &BTreeMap<String, String>) -> Result<Row, CatalogueError> {
        let micro = |field, usd: f64| {
            if !(0.0..=PRICE_MAX).contains(&usd) {
                let model = self.name.clone();
                return Err(CatalogueError::Price { model, field, found: usd });
            }
            // Within 0 and 10^12.
            Ok((usd * 1e6).round() as u64)
        };
        let input = micro("input", self.input)?;
        let prices = Prices {
            input,
            output: micro("output", self.output)?,
            cache_read: self.cache_read.map_or(Ok(input), |usd| micro("cache_read", usd))?,
        };
        let long = match &self.long {
            None => None,
            Some(long) => {
                let or = |given: Option<f64>, field, short| {
                    given.map_or(Ok(short), |usd| micro(field, usd))
                };
                let input = or(long.input, "long.input", prices.input)?;
                let output = or(long.output, "long.output", prices.output)?;
                let cache_read = or(long.cache_read, "long.cache_read", prices.cache_read)?;
                Some((long.above, Prices { input, output, cache_read }))
            }
        };
        let abilities = Abilities {
            context_tokens: self.context_tokens,
            output_tokens: self.output_tokens,
            sampling: self.sampling,
            prefill: self.prefill,
            tools: self.tools,
            images: self.images,
            files: self.files,
            thinking: self.thinking,
        };
        let source = sources.get(&self.source).cloned().unwrap_or(self.source);
        Ok(Row { prices, long, abilities, date: self.date, source })
    }
}

/// Cuts the date off a name: `-20251001` or `-2026-03-05`.
fn undated(model: &str) -> Option<&str> {
    let is_date = |text: &str| {
        let digits = text.bytes().filter(u8::is_ascii_digit).count();
        digits == 8 && text.bytes().all(|it| it.is_ascii_digit() || it == b'-')
    };
    [8, 10].into_iter().find_map(|chars| {
        let (rest, date) = model.split_at_checked(model.len().checked_sub(chars)?)?;
        rest.strip_suffix('-').filter(|_| is_date(date))
    })
}
