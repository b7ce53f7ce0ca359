// Lets Node.js run a plugin's sources as they are: `node --import ./.ax/sdk/build/node.mjs --test …`.

import { register } from "node:module";

process.setSourceMapsEnabled(true);
register("./hooks.mjs", import.meta.url);
