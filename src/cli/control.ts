// Asking the running server something: one JSON line each way over the unix socket in its data folder.

import crypto from 'node:crypto';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import type { QueueChange } from '../queue/queue-changes.ts';
import { CommandError } from './context.ts';

interface ServerRequest {
  readonly command:
    | 'status'
    | 'stop'
    | 'reload'
    | 'quota-recalculate'
    | 'queue-active'
    | 'queue-flush'
    | 'queue-change'
    | 'certificate-renew'
    | 'trace-flush'
    | 'statistics-flush'
    | 'health'
    | 'accounting-acknowledge';
  readonly mailbox?: number;
  /** For certificate-renew. */
  readonly host?: string;
  /** For queue-change. */
  readonly change?: QueueChange;
  readonly ids?: readonly string[];
}

/** About lock-outs and alarms. */
export interface DefenceRequest {
  readonly command: 'lockouts' | 'lockout-remove' | 'lockout-failures' | 'alarms' | 'alarm-remove';
  /** What is to be removed, as it is listed; absent: all. */
  readonly subject?: string;
}

export type ControlRequest = ServerRequest | DefenceRequest;

export type ControlResponse =
  | { readonly ok: true; readonly value?: unknown }
  | { readonly ok: false; readonly error: string };

export class NoServerError extends CommandError {}

/** sockaddr_un holds 108 bytes. */
const maxPathBytes = 100;

/** Where the server of a data folder listens; a folder with a long name is given a short one below /tmp. */
export function controlSocketPath(dataDirectory: string): string {
  const plain = path.join(dataDirectory, 'control');
  if (Buffer.byteLength(plain) <= maxPathBytes) return plain;
  const digest = crypto.createHash('sha256').update(path.resolve(dataDirectory)).digest('hex').slice(0, 24);
  return path.join(os.tmpdir(), `posthaste-${process.getuid?.() ?? 0}-${digest}`, 'control');
}

/** Sends a request; throws NoServerError (exit 75) where no server answers. */
export async function controlRequest(dataDirectory: string, request: ControlRequest): Promise<unknown> {
  const line = await exchange(controlSocketPath(dataDirectory), `${JSON.stringify(request)}\n`);
  if (line === undefined) {
    throw new NoServerError(`no server runs on ${dataDirectory}; start one with: posthaste start`, 75);
  }
  const response = JSON.parse(line) as ControlResponse;
  if (!response.ok) throw new CommandError(response.error);
  return response.value;
}

/** Undefined where nobody listens. */
function exchange(socketPath: string, request: string): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = net.connect(socketPath, () => socket.end(request));
    socket.setEncoding('utf8');
    socket.on('data', (chunk: string) => {
      answer += chunk;
    });
    socket.on('end', () => {
      if (answer.endsWith('\n')) resolve(answer);
      else reject(new CommandError('the server ended before it answered; look at its log', 75));
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'ECONNREFUSED') resolve(undefined);
      else if (error.code === 'EACCES')
        reject(new CommandError('the server belongs to another user; run this as root or as that user'));
      else reject(error);
    });
  });
}
