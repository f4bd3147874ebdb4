// The posthaste command: finds the subcommand, loads its file (and no other, so that a command is quick),
// and turns what it throws into one line and an exit status.

import { setFlagsFromString } from 'node:v8';

// V8 begins a full collection for every 20 MB that came in from sockets, however small its own heap is: half of the
// CPU of a large message. With this the bytes count as heap does, against a limit that grows. Ignored where unknown.
setFlagsFromString('--external-memory-accounted-in-global-limit');

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 24 || (major === 24 && minor < 12)) {
  process.stderr.write(
    `posthaste: needs Node.js 24.12 or later (this is ${process.versions.node}); start it with bin/posthaste\n`,
  );
  process.exit(1);
}
const { runCommandLine } = await import('./command-line.ts');
process.exitCode = await runCommandLine(process.argv.slice(2));
