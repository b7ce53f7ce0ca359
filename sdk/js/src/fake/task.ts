// Plays `ax:task/call`.

import type host from "ax:task/call@0.1.1";

import { world } from "./world.ts";

const fake: typeof host = {
  current() {
    const { id, task, attempt, depth, leftMs } = world.call;
    return { id, task: task ?? null, attempt, depth, deadlineMs: leftMs ?? null };
  },
  progress(done, total, note) {
    world.progress.push({ done, total: total ?? undefined, note });
  },
  cancelled: () => world.cancelled,
};

export default fake;
