// A conversation from one of the loopback addresses, as a text: what was said, and what the server answered. All of
// 127.0.0.0/8 is this machine, so a test can come from many networks.

import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Visit {
  readonly from: string;
  readonly port: number;
  /** Sent before anything is heard. */
  readonly early?: string;
  readonly commands: readonly string[];
  /** Goes away after so many milliseconds, saying nothing. */
  readonly leavesAfter?: number;
}

/** `S: ` lines are whole replies with `|` between their lines; the last is `S: <end>` where the server ended it. */
export async function visit({ from, port, early, commands, leavesAfter }: Visit): Promise<string[]> {
  const socket = connect({ host: '127.0.0.1', port, localAddress: from, noDelay: true });
  let received = '';
  let isOver = false;
  let wake = (): void => undefined;
  socket.on('data', (chunk) => {
    received += chunk.toString('latin1');
    wake();
  });
  for (const event of ['end', 'error', 'close']) {
    socket.on(event, () => {
      isOver = true;
      wake();
    });
  }
  await new Promise<void>((resolve) => socket.once('connect', resolve));
  if (early !== undefined) socket.write(early);
  if (leavesAfter !== undefined) {
    await sleep(leavesAfter);
    socket.destroy();
    return [];
  }
  const lines: string[] = [];
  const hear = async (): Promise<void> => {
    const timer = setTimeout(() => {
      isOver = true;
      wake();
    }, 10_000);
    while (!isOver && !/(?:^|\r\n)\d{3} [^\r\n]*\r\n$/.test(received)) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    clearTimeout(timer);
    const text = received.trimEnd().replaceAll('\r\n', '|');
    received = '';
    lines.push(`S: ${text === '' ? '<end>' : text}`);
  };
  await hear();
  for (const command of commands) {
    if (isOver) break;
    lines.push(`C: ${command}`);
    socket.write(`${command}\r\n`);
    await hear();
  }
  socket.destroy();
  return lines;
}
