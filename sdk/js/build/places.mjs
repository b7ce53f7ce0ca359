// Where the lines of the built file come from: what `src/stack.ts` reads of a source map, and no more.

const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** Reads the numbers of one segment of a source map: base 64, sign last, lowest digits first. */
function numbers(segment) {
  const read = [];
  let [value, shift] = [0, 0];
  for (const digit of segment) {
    const bits = DIGITS.indexOf(digit);
    value |= (bits & 31) << shift;
    shift += 5;
    if ((bits & 32) === 0) {
      read.push((value & 1) === 1 ? -(value >> 1) : value >> 1);
      [value, shift] = [0, 0];
    }
  }
  return read;
}

/**
 * Returns, as JSON, the sources and for each line of the built file `column:source:line`, with commas
 * between them, wherever source or line change. Columns begin at 0 and lines at 1.
 */
export function placesOf(map, named) {
  let [source, line] = [0, 0];
  const lines = map.mappings.split(";").map((segments) => {
    const kept = [];
    let [column, last] = [0, ""];
    for (const segment of segments === "" ? [] : segments.split(",")) {
      const [columns, sources = 0, down = 0] = numbers(segment);
      column += columns;
      source += sources;
      line += down;
      const place = `${source}:${line + 1}`;
      if (place !== last) kept.push(`${column}:${place}`);
      last = place;
    }
    return kept.join(",");
  });
  return JSON.stringify({ sources: map.sources.map(named), lines });
}
