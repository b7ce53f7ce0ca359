// Where an error came from, in the author's words: the lines of the component's one file are looked up
// among those of the sources, which the build notes beside it (`build/places.mjs`).

/** Frames that are shown. */
const FRAMES_MAX = 20;

/** Of each line of the built file, from which column on it comes from which source and line. */
type Places = { readonly sources: readonly string[]; readonly lines: readonly string[] };

/** Says a stack in places of the sources. The SDK's own frames are left out where there are others. */
export function located(stack: string, places: Places | undefined = noted()): string {
  if (places === undefined) return stack;
  const all = stack.split("\n").map((frame) => translated(frame, places));
  const frames = all.filter((frame) => frame !== undefined);
  const own = frames.filter((frame) => !frame.includes("(.ax/"));
  return (own.length > 0 ? own : frames).slice(0, FRAMES_MAX).join("\n");
}

function noted(): Places | undefined {
  const { axPlaces } = globalThis as { axPlaces?: string };
  return axPlaces === undefined ? undefined : JSON.parse(axPlaces);
}

/** Translates one frame; none where the place is of no use to an author. */
function translated(frame: string, { sources, lines }: Places): string | undefined {
  const found = /^\s*at (.*) \([^()]*plugin\.js:(\d+):(\d+)\)$/.exec(frame);
  if (found === null) return undefined;
  const [, name = "", line, column] = found;
  let place: string | undefined;
  for (const segment of lines[Number(line) - 1]?.split(",") ?? []) {
    const [from, source, sourceLine] = segment.split(":");
    if (place !== undefined && Number(from) >= Number(column)) break;
    place = `${sources[Number(source)]}:${sourceLine}`;
  }
  return place === undefined ? undefined : `    at ${name} (${place})`;
}
