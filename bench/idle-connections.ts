// What an SMTP client costs that has said EHLO and then says nothing: resident memory of the server with thousands of
// them, less what it was without, for each. The clients live in this process, so that the server's numbers are its own.

import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { setTimeout as sleep } from 'node:timers/promises';
import { residentMiB } from './process-tree.ts';

export interface IdleConnections {
  readonly connections: number;
  readonly isTls: boolean;
  readonly beforeMiB: number;
  readonly openMiB: number;
  readonly kibEach: number;
}

const atATime = 200;
/** Until the server has collected what the handshakes left behind. */
const restMilliseconds = 20_000;

export interface IdleConnectionsOptions {
  readonly pid: number;
  readonly port: number;
  readonly connections: number;
  readonly isTls: boolean;
}

export async function measureIdleConnections(options: IdleConnectionsOptions): Promise<IdleConnections> {
  const { pid, port, connections, isTls } = options;
  // What the first connections bring into memory is there once, however many follow.
  const first = await open(port, 200, isTls);
  await sleep(3000);
  for (const socket of first) socket.destroy();
  await sleep(3000);
  const beforeMiB = residentMiB(pid);
  const sockets: Socket[] = [];
  while (sockets.length < connections) {
    sockets.push(...(await open(port, Math.min(atATime, connections - sockets.length), isTls)));
  }
  await sleep(restMilliseconds);
  const openMiB = residentMiB(pid);
  for (const socket of sockets) socket.destroy();
  const kibEach = ((openMiB - beforeMiB) * 1024) / connections;
  return { connections, isTls, beforeMiB, openMiB, kibEach };
}

function open(port: number, count: number, isTls: boolean): Promise<Socket[]> {
  return Promise.all(Array.from({ length: count }, () => openOne(port, isTls)));
}

async function openOne(port: number, isTls: boolean): Promise<Socket> {
  const plain = connect({ host: '127.0.0.1', port, noDelay: true });
  await hear(plain);
  await say(plain, 'EHLO idle.test');
  if (!isTls) return plain;
  await say(plain, 'STARTTLS');
  const secure = connectTls({ socket: plain, rejectUnauthorized: false });
  await new Promise<void>((resolve, reject) => {
    secure.once('secureConnect', resolve);
    secure.once('error', reject);
  });
  await say(secure, 'EHLO idle.test');
  return secure;
}

async function say(socket: Socket, command: string): Promise<void> {
  socket.write(`${command}\r\n`);
  await hear(socket);
}

/** A whole reply. */
function hear(socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    let text = '';
    const receive = (chunk: Buffer): void => {
      text += chunk.toString('latin1');
      if (!/(?:^|\n)\d{3} [^\n]*\n$/.test(text)) return;
      socket.off('data', receive).off('close', lost);
      resolve();
    };
    const lost = (): void => reject(new Error(`connection lost: ${text}`));
    socket.on('data', receive);
    socket.once('close', lost);
    socket.on('error', lost);
  });
}
