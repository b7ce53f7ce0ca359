// Plays `ax:secrets/secrets`.

import type host from "ax:secrets/secrets@0.1.0";

import { world } from "./world.ts";

const fake: typeof host = { isSet: (name) => world.secrets.has(name) };

export default fake;
