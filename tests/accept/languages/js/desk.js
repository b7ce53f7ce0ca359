// The interface `acme:desk/desk` in plain JavaScript: no library, no AX.
//
// The QuickJS backend gives 64-bit integers as numbers and takes no BigInt, so that they are exact
// only up to 2^53.

const LEVELS = ["low", "normal", "high"];

export const desk = {
  greet: (name) => `Hello, ${name}!`,

  reverse: (data) => Uint8Array.from(data).reverse(),

  amend: ({ id, customer, note, lineTotals }) => {
    const totals = Array.from(lineTotals);
    return {
      id: id + 1,
      customer,
      note: note === undefined || note === null ? "none" : undefined,
      lineTotals: [...totals, totals.reduce((sum, total) => sum + total, 0)],
    };
  },

  switchPayment: (payment) => {
    if (payment.tag === "cash") return { tag: "card", val: "<no card>" };
    if (payment.tag === "card") return { tag: "cash" };
    return payment;
  },

  raise: (urgency) => LEVELS[Math.min(LEVELS.indexOf(urgency) + 1, LEVELS.length - 1)],

  others: ({ giftWrap, insured, express }) => ({
    giftWrap: !giftWrap,
    insured: !insured,
    express: !express,
  }),

  successor: (value) => value + 1,

  // A thrown value is the `err` side of a `result`.
  divide: (dividend, divisor) => {
    if (divisor === 0) throw `cannot divide ${dividend} by zero`;
    return Math.floor(dividend / divisor);
  },
};
