/** What is wrong with a plugin, said to its author. */
export class Mistake extends Error {}

/** What the bundler finds in sources; the compiler, if it finds it too, says it better. */
export class SourceMistake extends Mistake {}
