import { type Of, Schema, t, tool } from "ax";
import { equal, test, throws } from "ax/testing";

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

/** Compiles only where both types are the same. */
function same<A, B>(_: Same<A, B>): void {}

const order = tool(
  {
    name: "order",
    description: "Orders.",
    input: {
      name: t.string("Who orders.", { minLength: 2, maxLength: 5 }),
      size: t.oneOf(["small", "large"], "How much."),
      count: t.integer("How many.", { min: 1, max: 9 }).optional(),
      items: t.array(t.object({ id: t.integer(), tags: t.record(t.boolean()) }), "What.", { max: 2 }),
      code: t.string("A code.", { pattern: "^[a-z]+$" }).optional(),
    },
  },
  (input) => {
    same<
      typeof input,
      {
        name: string;
        size: "small" | "large";
        items: { id: number; tags: Record<string, boolean> }[];
        count?: number;
        code?: string;
      }
    >(true);
    return `${input.name} ${input.items.length}`;
  },
);

const FITTING = { name: "Ada", size: "small", items: [{ id: 1, tags: { hot: true } }] } as const;

function refuses(change: object, code: string, message: string): void {
  const input = { ...FITTING, ...change };
  throws(() => order.described.answer(input), { kind: "invalid", code, message });
}

test("types are inferred from schemas", () => {
  same<Of<{ a: Schema<number> }>, { a: number }>(true);
  same<Of<{ readonly a: Schema<1> }>, { a: 1 }>(true);
  // @ts-expect-error: a size that is none
  throws(() => order({ ...FITTING, size: "tiny", items: [] }), { code: "size" });
});

test("the schema is the JSON that models see", () => {
  const { inputSchema } = order.described;
  const { properties, ...rest } = inputSchema as { properties: Record<string, unknown> };
  equal(rest, { type: "object", required: ["name", "size", "items"], additionalProperties: false });
  equal(properties["count"], { type: "integer", description: "How many.", minimum: 1, maximum: 9 });
  equal(properties["size"], { type: "string", description: "How much.", enum: ["small", "large"] });
});

test("what fits is let through", () => {
  equal(order.described.answer(FITTING), { content: [{ type: "text", text: "Ada 1" }] });
});

test("what does not fit is refused by its path", () => {
  refuses({ name: 5 }, "name", "`name`: expected text, got 5");
  refuses({ name: "😀" }, "name", "`name`: expected at least 2 characters, got 1");
  refuses({ name: "abcdef" }, "name", "`name`: expected at most 5 characters, got 6");
  refuses({ size: "tiny" }, "size", '`size`: expected one of "small", "large", got "tiny"');
  refuses({ count: 1.5 }, "count", "`count`: expected a whole number, got 1.5");
  refuses({ count: 10 }, "count", "`count`: expected at most 9, got 10");
  refuses({ count: null }, "count", "`count`: expected a whole number, got null");
  refuses({ code: "A" }, "code", '`code`: expected text that matches ^[a-z]+$, got "A"');
  refuses({ items: {} }, "items", "`items`: expected a list, got an object");
  refuses({ items: [1, 2, 3] }, "items", "`items`: expected at most 2 items, got 3");
  refuses({ items: [{ id: 1 }] }, "items[0].tags", "`items[0].tags` is missing");
  refuses(
    { items: [{ id: 1, tags: { hot: 1 } }] },
    "items[0].tags.hot",
    "`items[0].tags.hot`: expected true or false, got 1",
  );
  const known = "`name`, `size`, `count`, `items`, `code`";
  refuses({ toString: 1 }, "toString", `\`toString\` is not known here; known are ${known}`);
  throws(() => order.described.answer([]), { code: "", message: "the input: expected an object, got a list" });
});

test("a whole number that JavaScript would round is refused", () => {
  const fits = (id: number) => order.described.answer({ ...FITTING, items: [{ id, tags: {} }] });
  fits(Number.MAX_SAFE_INTEGER);
  const bound = "a whole number from -(2^53 - 1) to 2^53 - 1, or text with its digits";
  throws(() => fits(JSON.parse("9007199254740993")), {
    code: "items[0].id",
    message: `\`items[0].id\`: expected ${bound}, got 9007199254740992`,
  });
});
