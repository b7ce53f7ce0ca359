//! The interface `acme:desk/desk` in plain Rust: wit-bindgen and nothing of AX.

use bindings::exports::acme::desk::desk::{Extras, Guest, Order, Payment, Urgency};

/// What `wit-bindgen` writes for the world `shop`.
mod bindings {
    wit_bindgen::generate!({ world: "shop", path: "../wit" });
    export!(Desk with_types_in self);
    use super::Desk;
}

/// The desk; it keeps nothing between calls.
struct Desk;

impl Guest for Desk {
    fn greet(name: String) -> String {
        format!("Hello, {name}!")
    }

    fn reverse(data: Vec<u8>) -> Vec<u8> {
        data.into_iter().rev().collect()
    }

    fn amend(order: Order) -> Order {
        let sum = order.line_totals.iter().sum();
        let mut line_totals = order.line_totals;
        line_totals.push(sum);
        let note = order.note.is_none().then(|| "none".to_owned());
        Order { id: order.id + 1, customer: order.customer, note, line_totals }
    }

    fn switch_payment(payment: Payment) -> Payment {
        match payment {
            Payment::Cash => Payment::Card("<no card>".to_owned()),
            Payment::Card(_) => Payment::Cash,
            Payment::Transfer(order) => Payment::Transfer(order),
        }
    }

    fn raise(urgency: Urgency) -> Urgency {
        match urgency {
            Urgency::Low => Urgency::Normal,
            Urgency::Normal | Urgency::High => Urgency::High,
        }
    }

    fn others(extras: Extras) -> Extras {
        !extras
    }

    fn successor(value: u64) -> u64 {
        value + 1
    }

    fn divide(dividend: u64, divisor: u32) -> Result<u64, String> {
        dividend
            .checked_div(u64::from(divisor))
            .ok_or_else(|| format!("cannot divide {dividend} by zero"))
    }
}
