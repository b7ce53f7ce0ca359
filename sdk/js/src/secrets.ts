// Whether a secret is set. Its value is put into requests by the host and is never seen here.

import host from "ax:secrets/secrets@0.1.0";

/** Answers whether the operator set a secret of this name, and granted it. */
export function isSet(name: string): boolean {
  return host.isSet(name);
}
