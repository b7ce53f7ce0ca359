// {{name}}: asks GitHub for the latest release of a project.

import { invalid, notFound, plugin, t, tool } from "ax";
import * as http from "ax/http";

/** A release, as GitHub tells it; what else it says is left out. */
interface Told {
  tag_name: string;
  name: string | null;
  html_url: string;
  published_at: string;
}

export const latestRelease = tool(
  {
    name: "latest-release",
    description: "Looks up the latest release of a project on GitHub.",
    readOnly: true,
    idempotent: true,
    openWorld: true,
    input: { repository: t.string("The project's repository, as `owner/name`.") },
    output: {
      tag: t.string("The tag it was made of."),
      name: t.string("What it is called."),
      url: t.string("The page about it."),
      published: t.string("When it was published, as `2026-01-31T12:00:00Z`."),
    },
  },
  ({ repository }) => {
    if (!isRepository(repository)) {
      throw invalid("repository", "a repository is named like `owner/name`");
    }
    const url = `https://api.github.com/repos/${repository}/releases/latest`;
    const answer = http.get(url, { headers: { accept: "application/vnd.github+json" } });
    if (answer.status === 404) throw notFound(repository, `\`${repository}\` has no release`);
    const told = answer.ok().json<Told>();
    const release = {
      tag: told.tag_name,
      name: told.name || told.tag_name,
      url: told.html_url,
      published: told.published_at,
    };
    const { name, published } = release;
    return [`${repository} ${name}, published ${published}: ${release.url}`, release];
  },
);

/** What goes into a URL is checked first: nobody leads the request elsewhere. */
function isRepository(text: string): boolean {
  const names = text.split("/");
  return names.length === 2 && names.every((it) => /^[\w.-]+$/.test(it) && it !== "." && it !== "..");
}

export default plugin({ tools: [latestRelease] });
