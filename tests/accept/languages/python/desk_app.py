"""The interface `acme:desk/desk` in plain Python: no library, no AX.

The module's name differs from the world's, which componentize-py needs, and every import is at the
top: one inside a function would fail when it runs.
"""

from componentize_py_types import Err
from wit_world.exports import Desk
from wit_world.exports.desk import (
    Extras,
    Order,
    Payment,
    Payment_Card,
    Payment_Cash,
    Urgency,
)

ALL = Extras.GIFT_WRAP | Extras.INSURED | Extras.EXPRESS


class Desk(Desk):
    def greet(self, name: str) -> str:
        return f"Hello, {name}!"

    def reverse(self, data: bytes) -> bytes:
        return data[::-1]

    def amend(self, order: Order) -> Order:
        note = "none" if order.note is None else None
        totals = [*order.line_totals, sum(order.line_totals)]
        return Order(order.id + 1, order.customer, note, totals)

    def switch_payment(self, payment: Payment) -> Payment:
        if isinstance(payment, Payment_Cash):
            return Payment_Card("<no card>")
        if isinstance(payment, Payment_Card):
            return Payment_Cash()
        return payment

    def raise_(self, urgency: Urgency) -> Urgency:
        return Urgency(min(urgency.value + 1, Urgency.HIGH.value))

    def others(self, extras: Extras) -> Extras:
        return ALL & ~extras

    def successor(self, value: int) -> int:
        return value + 1

    def divide(self, dividend: int, divisor: int) -> int:
        if divisor == 0:
            raise Err(f"cannot divide {dividend} by zero")
        return dividend // divisor
