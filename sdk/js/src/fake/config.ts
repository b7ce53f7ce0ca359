// Plays `ax:config/config`.

import type host from "ax:config/config@0.1.0";

import { world } from "./world.ts";

const fake: typeof host = {
  get: (key) => (world.config.has(key) ? JSON.stringify(world.config.get(key)) : null),
  all: () => JSON.stringify(Object.fromEntries(world.config)),
};

export default fake;
