// Plays `ax:log/log`.

import type host from "ax:log/log@0.1.0";

import { world } from "./world.ts";

const fake: typeof host = {
  write(level, message, fields) {
    world.log.push({ level, message, fields: Object.fromEntries(fields) });
  },
};

export default fake;
