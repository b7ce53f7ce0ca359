/** What is wrong with a plugin, said to its author. */
export class Mistake extends Error {}
