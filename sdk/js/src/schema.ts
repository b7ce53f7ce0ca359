// Schemas of inputs and answers: one value is the JSON Schema, and the TypeScript type with it.

/** A JSON Schema (2020-12). */
export type JsonSchema = { readonly [keyword: string]: unknown };

/** A value's schema, and its type `T` in TypeScript; {@link t} makes them. */
export class Schema<T> {
  /** The type; there is nothing here when the plugin runs. */
  declare readonly type: T;
  /** What models see, and what values are checked against. */
  readonly json: JsonSchema;

  /** Takes a JSON Schema at its word. */
  constructor(json: JsonSchema) {
    this.json = json;
  }

  /** Makes the member of this schema one that may be left out. */
  optional(): Optional<T> {
    return new Optional(this);
  }
}

/** A member that may be left out. */
export class Optional<T> {
  /** What it is when it is there. */
  readonly schema: Schema<T>;

  /** Made by {@link Schema.optional}. */
  constructor(schema: Schema<T>) {
    this.schema = schema;
  }
}

/** The members of an object, by name. */
export type Members = { readonly [name: string]: Schema<unknown> | Optional<unknown> };

/** An object: its members, or its whole schema. */
export type Shape = Members | Schema<object>;

type Required<M> = { -readonly [K in keyof M as M[K] extends Schema<unknown> ? K : never]: Value<M[K]> };
type Omissible<M> = { -readonly [K in keyof M as M[K] extends Schema<unknown> ? never : K]?: Value<M[K]> };
type Value<S> = S extends Schema<infer T> ? T : S extends Optional<infer T> ? T : never;
type Flat<T> = { [K in keyof T]: T[K] };

/** The type of what fits a shape: `Of<{ name: Schema<string> }>` is `{ name: string }`. */
export type Of<S> = S extends Schema<infer T> ? T : Flat<Required<S> & Omissible<S>>;

/** Bounds of a text. */
export interface TextBounds {
  /** Characters at least. */
  readonly minLength?: number;
  /** Characters at most. */
  readonly maxLength?: number;
  /** A regular expression that must match somewhere. */
  readonly pattern?: string;
  /** What it is, as `date-time`; told to models and not checked. */
  readonly format?: string;
}

/** Bounds of a number. */
export interface NumberBounds {
  /** The least there may be. */
  readonly min?: number;
  /** The most there may be. */
  readonly max?: number;
}

/** Bounds of a list. */
export interface ListBounds {
  /** Items at least. */
  readonly min?: number;
  /** Items at most. */
  readonly max?: number;
}

/** Leaves out what is not set: JSON has no `undefined`. */
function set(members: JsonSchema): JsonSchema {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
}

function numeric(type: string, description?: string, { min, max }: NumberBounds = {}) {
  return new Schema<number>(set({ type, description, minimum: min, maximum: max }));
}

function object<M extends Members>(members: M, description?: string): Schema<Of<M>> {
  const properties: Record<string, JsonSchema> = {};
  const required: string[] = [];
  for (const [name, member] of Object.entries(members)) {
    if (member instanceof Optional) {
      properties[name] = member.schema.json;
    } else if (member instanceof Schema) {
      properties[name] = member.json;
      required.push(name);
    } else {
      throw new TypeError(`the member \`${name}\` has no schema: make one with \`t\``);
    }
  }
  const bounds = { required: required.length > 0 ? required : undefined, additionalProperties: false };
  return new Schema(set({ type: "object", description, properties, ...bounds }));
}

/**
 * Makes schemas.
 *
 * ```ts
 * input: {
 *   text: t.string("What is counted."),
 *   unit: t.oneOf(["lines", "words"], "What to count."),
 *   top: t.integer("How many to list.", { min: 1, max: 100 }).optional(),
 * }
 * ```
 */
export const t = {
  /** A text. */
  string(description?: string, bounds: TextBounds = {}): Schema<string> {
    return new Schema(set({ type: "string", description, ...bounds }));
  },
  /** A number, as exact as JavaScript has them. */
  number(description?: string, bounds?: NumberBounds): Schema<number> {
    return numeric("number", description, bounds);
  },
  /**
   * A whole number from -(2^53 - 1) to 2^53 - 1, which is 3 as well as 3.0. JavaScript would round larger
   * ones, so they are refused: take a text where there may be such.
   */
  integer(description?: string, bounds?: NumberBounds): Schema<number> {
    return numeric("integer", description, bounds);
  },
  /** True or false. */
  boolean(description?: string): Schema<boolean> {
    return new Schema(set({ type: "boolean", description }));
  },
  /** One of these texts. */
  oneOf<const V extends string>(values: readonly V[], description?: string): Schema<V> {
    return new Schema(set({ type: "string", description, enum: values }));
  },
  /** A list of items of one kind. */
  array<T>(items: Schema<T>, description?: string, { min, max }: ListBounds = {}): Schema<T[]> {
    const bounds = { minItems: min, maxItems: max };
    return new Schema(set({ type: "array", description, items: items.json, ...bounds }));
  },
  /** An object with these members and no others. */
  object,
  /** An object with members of any name, all of one kind. */
  record<T>(values: Schema<T>, description?: string): Schema<Record<string, T>> {
    return new Schema(set({ type: "object", description, additionalProperties: values.json }));
  },
  /** Any JSON; whole numbers beyond 2^53 in it are rounded. */
  json(description?: string): Schema<unknown> {
    return new Schema(set({ description }));
  },
  /** What a JSON Schema of your own describes; keywords unknown to {@link t} are not checked. */
  schema<T>(json: JsonSchema): Schema<T> {
    return new Schema(json);
  },
};

/** Returns the schema of a shape. */
export function schemaOf(shape: Shape): JsonSchema {
  return shape instanceof Schema ? shape.json : object(shape).json;
}
