// What Node has read from its compile cache (scripts/with-node), stripped sources and compiled code, it keeps until it
// ends, beside what V8 has made of it: 5 MB for nothing in a server. Writing the new entries to disk, which Node does
// only at the end, lets go of all. Each thread has its own.

import { flushCompileCache } from 'node:module';

/** To be called when the modules are there, and before anything large is: that takes the place of what is let go. */
export function releaseCompileCache(): void {
  flushCompileCache();
}
