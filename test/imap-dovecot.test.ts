// ENVELOPE, BODYSTRUCTURE and sections must equal what a real Dovecot gives for the same messages, since clients are made to
// work with it. Runs where Dovecot is installed (Debian: dovecot-imapd) and we are root.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mimeCorpus } from './imap-dialogs/mime-corpus.ts';
import { canRunDovecot, PrivateDovecot } from './imap-dialogs/private-dovecot.ts';
import { LineClient, TestHost, type TestServer } from './imap-dialogs/test-server.ts';

const randomMessages = 120;
const items = [
  'ENVELOPE',
  'BODYSTRUCTURE',
  'BODY',
  'BODY.PEEK[1]',
  'BODY.PEEK[2]',
  'BODY.PEEK[HEADER.FIELDS (SUBJECT X-FOO)]',
];

// Skipped where Dovecot (scripts/install-test-servers) is not there; CI installs it and counts a skip as a failure.
describe.skipIf(!canRunDovecot())('compared with Dovecot (package dovecot-imapd)', () => {
  let host: TestHost;
  let server: TestServer;
  let dovecot: PrivateDovecot;

  beforeAll(async () => {
    host = await TestHost.open();
    server = await host.serve();
    dovecot = await PrivateDovecot.start();
  });

  afterAll(async () => {
    await server.close();
    await dovecot.stop();
    await host.close();
  });

  it('shows the same envelopes, structures and sections', async () => {
    const messages = mimeCorpus(randomMessages, linearCongruence(7));
    const ours = await openFilled(server.port, messages);
    const theirs = await openFilled(dovecot.port, messages);
    for (const item of items) {
      const ourAnswers = await fetchAll(ours, item);
      const theirAnswers = await fetchAll(theirs, item);
      for (const [index, message] of messages.entries()) {
        expect(ourAnswers[index], `${item} of\n${message}`).toBe(theirAnswers[index]);
      }
    }
    ours.destroy();
    theirs.destroy();
  });
});

async function openFilled(port: number, messages: readonly string[]): Promise<LineClient> {
  const client = await connectSoon(port);
  await client.line();
  await client.command('a1', 'LOGIN ann secret');
  await client.command('a2', 'CREATE Corpus');
  for (const message of messages) {
    client.send(`a3 APPEND Corpus {${message.length}+}\r\n${message}\r\n`);
    expect((await client.linesTo('a3')).at(-1)).toMatch(/^a3 OK/);
  }
  await client.command('a4', 'SELECT Corpus');
  return client;
}

/** Dovecot needs a moment to listen. */
async function connectSoon(port: number): Promise<LineClient> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await LineClient.open(port);
    } catch (error) {
      if (attempt === 100) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

/** What each message's FETCH says; literals and quoted strings that mean the same look the same. */
async function fetchAll(client: LineClient, item: string): Promise<string[]> {
  const lines = await client.command('f1', `FETCH 1:* (${item})`);
  const text = `${lines.slice(0, -1).join('\r\n')}\r\n`;
  const answers: string[] = [];
  let answer = '';
  let at = 0;
  while (at < text.length) {
    const literal = /^\{(\d+)\}\r\n/.exec(text.slice(at, at + 20));
    if (literal !== null) {
      const from = at + literal[0].length;
      at = from + Number(literal[1]);
      answer += `"${text.slice(from, at).replaceAll(/["\\]/g, '\\$&')}"`;
    } else if (text.startsWith('\r\n', at)) {
      // A section that a message does not have is NIL here and empty there; both are right (RFC 3501 §7.4.2).
      answers.push(answer.replace(/(BODY\[[^\]]*\]) NIL\)$/, '$1 "")'));
      answer = '';
      at += 2;
    } else {
      answer += text[at];
      at++;
    }
  }
  return answers;
}

/** The same numbers in every run. */
function linearCongruence(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state / 2_147_483_648;
  };
}
