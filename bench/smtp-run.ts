// One timed load: Postfix's smtp-source(1) against a server, each message to another mailbox of bulk.test.

import { spawn } from 'node:child_process';
import { bulkPattern, bulkUserCount } from './users.ts';
import type { MailServer } from './mail-server.ts';
import { cpuSeconds } from './process-tree.ts';

export interface LoadShape {
  readonly sessions: number;
  readonly bytes: number;
  /** `new`: a session per message; `reuse`: as many as the server takes (smtp-source -d). */
  readonly mode: 'new' | 'reuse';
}

export interface LoadResult {
  readonly messages: number;
  /** Messages a second until smtp-source had its last 250. */
  readonly acceptedPerSecond: number;
  /** Messages a second until the last one was where a reader finds it. */
  readonly deliveredPerSecond: number;
  readonly cpuMilliseconds: number;
}

export async function runSmtpSource(server: MailServer, shape: LoadShape, messages: number): Promise<LoadResult> {
  if (messages > bulkUserCount)
    throw new Error(`at most ${bulkUserCount} messages a run: each goes to a mailbox of its own`);
  const { sessions, bytes, mode } = shape;
  const args = ['-s', String(sessions), '-m', String(messages), '-l', String(bytes), '-N'];
  args.push('-f', 'sender@client.test', '-t', bulkPattern, ...(mode === 'reuse' ? ['-d'] : []));
  args.push(`127.0.0.1:${server.smtpPort}`);
  const cpuBefore = cpuSeconds(server.rootPids());
  const started = performance.now();
  await runToEnd('smtp-source', args);
  const accepted = performance.now() - started;
  await server.waitUntilDelivered();
  const delivered = Math.max(accepted, performance.now() - started - settleMilliseconds(server));
  const cpu = cpuSeconds(server.rootPids()) - cpuBefore;
  return {
    messages,
    acceptedPerSecond: (messages / accepted) * 1_000,
    deliveredPerSecond: (messages / delivered) * 1_000,
    cpuMilliseconds: (cpu / messages) * 1_000,
  };
}

/** A queue counts as empty after two looks that are 50 ms apart: the second is not the server's time. */
function settleMilliseconds(server: MailServer): number {
  return server.name.startsWith('Posthaste') ? 0 : 100;
}

export function runToEnd(command: string, args: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    let complaint = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      complaint = (complaint + text).slice(-500);
    });
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`${command} ended with status ${code}: ${complaint.trim()}`));
    });
  });
}
