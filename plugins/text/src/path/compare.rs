//! Compares values as RFC 9535 (section 2.3.5.2.2) has it.
//!
//! Numbers compare by value, texts by their characters, and only those have an order; lists and
//! objects are equal or not. Each look at a value costs steps, since one comparison may go through
//! half a document.

use std::cmp::Ordering;

use serde_json::Number;
use serde_json::Value;

use super::evaluate::Budget;
use super::evaluate::Stop;

/// Tells whether two values are equal.
pub(super) fn equal(left: &Value, right: &Value, budget: &mut Budget<'_>) -> Result<bool, Stop> {
    budget.charge(1)?;
    Ok(match (left, right) {
        (Value::Null, Value::Null) => true,
        (Value::Bool(left), Value::Bool(right)) => left == right,
        (Value::Number(left), Value::Number(right)) => {
            numbers(left, right) == Some(Ordering::Equal)
        }
        (Value::String(left), Value::String(right)) => {
            left.len() == right.len() && texts(left, right, budget)? == Ordering::Equal
        }
        (Value::Array(left), Value::Array(right)) => {
            if left.len() != right.len() {
                return Ok(false);
            }
            for (left, right) in left.iter().zip(right) {
                if !equal(left, right, budget)? {
                    return Ok(false);
                }
            }
            true
        }
        (Value::Object(left), Value::Object(right)) => {
            if left.len() != right.len() {
                return Ok(false);
            }
            for (name, left) in left {
                budget.charge_bytes(name.len())?;
                let Some(right) = right.get(name) else { return Ok(false) };
                if !equal(left, right, budget)? {
                    return Ok(false);
                }
            }
            true
        }
        _ => false,
    })
}

/// Tells whether the left value comes before the right one.
pub(super) fn less(left: &Value, right: &Value, budget: &mut Budget<'_>) -> Result<bool, Stop> {
    budget.charge(1)?;
    Ok(match (left, right) {
        (Value::Number(left), Value::Number(right)) => numbers(left, right) == Some(Ordering::Less),
        (Value::String(left), Value::String(right)) => {
            texts(left, right, budget)? == Ordering::Less
        }
        _ => false,
    })
}

/// Compares texts by their characters, which is the order of their bytes.
fn texts(left: &str, right: &str, budget: &mut Budget<'_>) -> Result<Ordering, Stop> {
    budget.charge_bytes(left.len().min(right.len()))?;
    Ok(left.cmp(right))
}

/// Compares numbers, integers exactly.
fn numbers(left: &Number, right: &Number) -> Option<Ordering> {
    match (left.as_i128(), right.as_i128()) {
        (Some(left), Some(right)) => Some(left.cmp(&right)),
        _ => left.as_f64()?.partial_cmp(&right.as_f64()?),
    }
}
