// Has one conversation with a server: what it was answered, line by line.

import { RawClient } from '../smtp-dialogs/test-server.ts';
import type { Conversation } from './generate.ts';

const closed = '(connection closed)';
const longestWaitMilliseconds = 6_000;
const message = 'Subject: x\r\n\r\nx\r\n.\r\n';

/** One entry for the greeting, and one for each line. */
export async function converse(port: number, lines: Conversation): Promise<string[]> {
  const client = await RawClient.open(port);
  const replies = [await take(client)];
  try {
    for (const line of lines) {
      if (replies.at(-1) === closed) break;
      replies.push(await say(client, line, replies.at(-1) ?? ''));
    }
    return replies;
  } finally {
    client.destroy();
  }
}

async function say(client: RawClient, line: string, before: string): Promise<string> {
  if (line === '*TLS') {
    client.send('STARTTLS\r\n');
    const reply = await take(client);
    if (reply.startsWith('220')) await client.startTls();
    return reply;
  }
  if (line === '*MESSAGE') {
    if (!before.startsWith('354')) client.send('RSET\r\n');
    else client.send(message);
    return await take(client);
  }
  client.send(`${Buffer.from(line, 'utf8').toString('latin1')}\r\n`);
  return await take(client);
}

/** A server that says nothing is a finding, and must not hold up the run. */
async function take(client: RawClient): Promise<string> {
  const timer = setTimeout(() => client.destroy(), longestWaitMilliseconds);
  try {
    return ((await client.reply()) ?? closed).replace(/queued as \w+/, 'queued as QID');
  } finally {
    clearTimeout(timer);
  }
}
