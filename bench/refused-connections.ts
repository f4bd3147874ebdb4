// A process of its own: opens connections from one address as fast as they are refused, and counts them between
// `begin` and `end` on standard input; then prints `{"refused": n, "failed": n}`. Arguments: port, address, how many at once.

import { connect } from 'node:net';

const [port = '0', from = '127.66.0.1', atOnce = '200'] = process.argv.slice(2);
let refused = 0;
let failed = 0;
let isOver = false;

function again(): void {
  if (isOver) return;
  let hasHeard = false;
  const socket = connect({ host: '127.0.0.1', port: Number(port), localAddress: from });
  socket.on('data', () => {
    hasHeard = true;
  });
  socket.on('error', () => undefined);
  // The server ends it; an attacker does not linger.
  socket.on('end', () => socket.destroy());
  socket.on('close', () => {
    if (hasHeard) refused++;
    else failed++;
    setImmediate(again);
  });
}

for (let index = 0; index < Number(atOnce); index++) again();
process.stdin.on('data', (line: Buffer) => {
  if (line.toString().startsWith('begin')) {
    refused = 0;
    failed = 0;
    return;
  }
  isOver = true;
  process.stdout.write(`${JSON.stringify({ refused, failed })}\n`, () => process.exit(0));
});
