// A plugin: its tools, and what it does when it is updated.

import { type Described, type Tool, wrong } from "./tool.ts";

/** What a plugin is made of. */
export interface Parts {
  /** The tools, in the order they are shown. */
  readonly tools: readonly Tool<any, any>[];
  /**
   * Brings what `ax/kv` keeps from the form of one version to that of another; both are semver texts.
   * Runs once per update, on a copy of the data; what it throws stops the update. Plugins that keep
   * nothing have no use for it.
   */
  readonly migrate?: (from: string, to: string) => void;
}

/** A plugin, ready to be called. */
export interface Plugin {
  /** Its tools by name. */
  readonly tools: ReadonlyMap<string, Described>;
  /** Brings its data to a newer form. */
  migrate(from: string, to: string): void;
}

/**
 * Makes a plugin: the default export of its main file.
 *
 * ```ts
 * export default plugin({ tools: [greet] });
 * ```
 */
export function plugin({ tools, migrate }: Parts): Plugin {
  const named = new Map<string, Described>();
  for (const { described } of tools) {
    const { name, made } = described;
    if (named.has(name)) throw wrong(`two tools are called \`${name}\``, made);
    named.set(name, described);
  }
  return { tools: named, migrate: (from, to) => migrate?.(from, to) };
}
