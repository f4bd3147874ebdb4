// What somebody types into a mail program to use a mailbox: the listeners that run now, for the mailbox's owner and its
// administrators.

import { Type } from 'typebox';
import { operation } from '../operation.ts';
import { failMissing } from '../problem.ts';
import { address, anyText, object, yes } from '../schemas.ts';
import type { ServerListener, ServerParts } from '../server-parts.ts';

const setting = object({
  protocol: Type.Enum(['imap', 'pop3', 'submission'], { description: 'submission: to send.' }),
  host: anyText('The name of the server.'),
  port: Type.Integer(),
  security: Type.Enum(['tls', 'starttls', 'none'], {
    description: 'tls: from the first byte (often called SSL/TLS). starttls: begins unencrypted, then changes.',
  }),
  isLocal: yes('It is reached from this machine only.'),
});

/** What to recommend first: encrypted from the first byte (RFC 8314 §3), and what is reached from elsewhere. */
function byMerit(one: ServerListener, two: ServerListener): number {
  const merit = ({ security, isLoopback }: ServerListener) => (security === 'tls' ? 0 : 1) + (isLoopback ? 2 : 0);
  return merit(one) - merit(two);
}

async function settingsOf(server: ServerParts): Promise<object[]> {
  const seen = new Set<string>();
  const all = [];
  for (const { protocol, port, security, isLoopback } of (await server.listeners()).toSorted(byMerit)) {
    if (protocol === 'smtp') continue;
    // The same service on several addresses of the host.
    const key = `${protocol} ${port} ${security}`;
    if (seen.has(key)) continue;
    seen.add(key);
    all.push({ protocol, host: isLoopback ? 'localhost' : server.hostname(), port, security, isLocal: isLoopback });
  }
  return all;
}

export const clientSettingsOperations = [
  operation({
    name: 'mailbox.client-settings',
    summary: 'Say what to type into a mail program to use a mailbox.',
    method: 'GET',
    path: '/mailboxes/{address}/client-settings',
    input: object({ address: address() }),
    output: object({
      login: anyText('The user name.'),
      items: Type.Array(setting),
      isSelfSigned: yes('The certificate is self-signed: mail programs ask whether to trust it.'),
    }),
    access: { who: 'user', mailbox: (input) => input.address },
    kind: 'read',
    run: async (input, { view, server }) => {
      const mailbox = view.lookups.mailboxByAddress(input.address) ?? failMissing();
      const certificates = (await server.certificates()) as readonly { readonly source?: string }[];
      const isSelfSigned = certificates.some(({ source }) => source === 'self-signed');
      return { login: mailbox.address, items: await settingsOf(server), isSelfSigned };
    },
  }),
];
