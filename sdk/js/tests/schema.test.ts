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
  refuses({ name: 5 }, "name", "`name` must be a text, not 5");
  refuses({ name: "😀" }, "name", "`name` must be at least 2 characters, not 1");
  refuses({ name: "abcdef" }, "name", "`name` must be at most 5 characters, not 6");
  refuses({ size: "tiny" }, "size", '`size` must be one of "small", "large", not "tiny"');
  refuses({ count: 1.5 }, "count", "`count` must be a whole number, not 1.5");
  refuses({ count: 10 }, "count", "`count` must be at most 9, not 10");
  refuses({ count: null }, "count", "`count` must be a whole number, not null");
  refuses({ code: "A" }, "code", '`code` must match ^[a-z]+$, which "A" does not');
  refuses({ items: {} }, "items", "`items` must be a list, not {}");
  refuses({ items: [1, 2, 3] }, "items", "`items` must be at most 2 items, not 3");
  refuses({ items: [{ id: 1 }] }, "items[0].tags", "`items[0].tags` is missing");
  refuses(
    { items: [{ id: 1, tags: { hot: 1 } }] },
    "items[0].tags.hot",
    "`items[0].tags.hot` must be true or false, not 1",
  );
  refuses({ toString: 1 }, "toString", "`toString` is not known here");
  throws(() => order.described.answer([]), { code: "", message: "the input must be an object, not []" });
});
