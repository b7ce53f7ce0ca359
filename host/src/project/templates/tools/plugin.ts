// {{name}}: tools for agents, one function each.

import { invalid, plugin, t, tool } from "ax";

export const greet = tool(
  {
    name: "greet",
    description: "Greets somebody by name.",
    readOnly: true,
    idempotent: true,
    input: { name: t.string("Who is greeted.") },
  },
  ({ name }) => {
    if (name.trim() === "") throw invalid("name", "nobody is greeted without a name");
    return `Hello, ${name}!`;
  },
);

export default plugin({ tools: [greet] });
