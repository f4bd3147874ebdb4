// node bench/defence.ts [--only idle,attack,guesses] [--connections 10000] [--seconds 10] [--at-once 200,4000]
// [--folder DIR] [--peers none]
// What strangers can do to the server: idle connections, connections that are refused while mail comes in, and guesses
// of passwords from a million addresses. Prints what docs/defence.md states.

import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { measureAttacks } from './attack.ts';
import { measureGuesses } from './guesses.ts';
import { measureIdleConnections } from './idle-connections.ts';
import { Posthaste } from './posthaste.ts';

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: 'idle,attack,guesses' },
    connections: { type: 'string', default: '10000' },
    seconds: { type: 'string', default: '10' },
    folder: { type: 'string', default: '/var/tmp/posthaste-bench-defence' },
    peers: { type: 'string', default: 'postfix' },
    'at-once': { type: 'string', default: '200,4000' },
  },
});

const parts = new Set(values.only.split(','));
rmSync(values.folder, { recursive: true, force: true });
mkdirSync(values.folder, { recursive: true });

if (parts.has('idle')) {
  for (const isTls of [false, true]) {
    const server = await Posthaste.create(join(values.folder, isTls ? 'tls' : 'plain'), {
      isEmpty: true,
      settings: { smtpd_tls_security_level: 'may', smtpd_timeout: '3600s' },
    });
    await server.start();
    try {
      const connections = Number(values.connections);
      const { pid } = server.process;
      const result = await measureIdleConnections({ pid, port: server.smtpPort, connections, isTls });
      const { beforeMiB, openMiB, kibEach } = result;
      const kind = isTls ? 'under TLS' : 'in the clear';
      console.log(
        `${connections} idle connections ${kind}: ${beforeMiB.toFixed(1)} → ${openMiB.toFixed(1)} MiB, ${kibEach.toFixed(1)} KiB each`,
      );
    } finally {
      await server.stop();
    }
  }
}

if (parts.has('attack')) {
  for (const atOnce of values['at-once'].split(',').map(Number)) {
    const results = await measureAttacks({
      folder: join(values.folder, String(atOnce)),
      seconds: Number(values.seconds),
      hasPeer: values.peers !== 'none',
      atOnce,
    });
    for (const { server, how, quiet, attacked, refused } of results) {
      const kept = ((attacked / quiet) * 100).toFixed(0);
      console.log(
        `${server}, ${how}, ${atOnce} at once: ${quiet.toFixed(0)} messages/s alone, ${attacked.toFixed(0)} while ${refused.toFixed(0)} connections/s are refused: keeps ${kept} %`,
      );
    }
  }
}

if (parts.has('guesses')) {
  const { guesses, entries, heapMiB, seconds, lockedOut } = await measureGuesses(1_000_000);
  console.log(
    `${guesses} guesses, each from an address of its own at a name of its own: ${entries} counts are kept, the heap grew by ${heapMiB.map((size) => size.toFixed(1)).join(', ')} MiB after each quarter, ${((seconds * 1e6) / guesses).toFixed(0)} µs each; who kept trying meanwhile was ${lockedOut ? '' : 'NOT '}locked out`,
  );
}
// Connections that the system forgot in the flood stay open on this side for ever.
process.exit(0);
