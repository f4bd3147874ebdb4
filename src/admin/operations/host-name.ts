// The name by which other servers know this host, and what the DNS says of it.

import { Type } from 'typebox';
import { isHostname } from '../../address/domain.ts';
import { checkHost } from '../host-check.ts';
import { operation } from '../operation.ts';
import { fail } from '../problem.ts';
import { anyText, object, optional, words, yes } from '../schemas.ts';
import type { ServerParts } from '../server-parts.ts';

const hostname = anyText('As mail.example.com.', 253);
const host = object({
  hostname: anyText('As main.cf has it (myhostname).'),
  isSet: yes('It stands in a file; else it is the name of the machine.'),
  needsRestart: words('What has changed in the files and counts with the next start only.'),
});
const check = object({
  check: Type.Enum(['name', 'addresses', 'reverse', 'port'], {
    description:
      'name: others can look it up. addresses: it has A or AAAA records. reverse: an address leads back to it (PTR). port: something listens on port 25.',
  }),
  outcome: Type.Enum(['good', 'wrong', 'unknown'], { description: 'unknown: it could not be found out.' }),
  subject: anyText('What was asked about.'),
  found: words('What is there: addresses, names, listeners.'),
  elsewhere: optional(words('Addresses that are not of this machine.')),
  reason: optional(anyText('Why it could not be found out.')),
});

const parameter = 'myhostname';

async function show(server: ServerParts): Promise<object> {
  const settings = await server.settings();
  const { value = '', expanded = value, isSet = false } = (await settings.show(parameter)) ?? {};
  return { hostname: expanded, isSet, needsRestart: settings.pendingRestart() };
}

function cleaned(name: string): string {
  return name.trim().replace(/\.$/, '').toLowerCase();
}

export const hostNameOperations = [
  operation({
    name: 'host.show',
    summary: 'Show the name of the host.',
    method: 'GET',
    path: '/host',
    input: object({}),
    output: host,
    access: { who: 'host' },
    kind: 'read',
    run: async (_input, { server }) => await show(server),
  }),
  operation({
    name: 'host.set',
    summary: 'Change the name of the host (myhostname in main.cf), and have the server read it.',
    method: 'PATCH',
    path: '/host',
    input: object({ hostname }),
    output: host,
    access: { who: 'host' },
    kind: 'act',
    run: async (input, { server }) => {
      const name = cleaned(input.hostname);
      if (!isHostname(name) || !/^[a-z0-9.-]+$/.test(name) || !name.includes('.')) {
        fail(422, 'invalid-field', 'a host name is written as mail.example.com: letters, digits, "-" and dots', {
          field: 'hostname',
        });
      }
      await (await server.settings()).set(parameter, name);
      return await show(server);
    },
  }),
  operation({
    name: 'host.check',
    summary: 'Ask the DNS what others find about the host: addresses, and the names that these lead back to.',
    method: 'GET',
    path: '/host/check',
    input: object({ hostname: optional(hostname) }),
    output: object({ hostname: anyText('The name that was asked about.'), items: Type.Array(check) }),
    access: { who: 'host' },
    kind: 'read',
    run: async (input, { server }) => {
      const name = cleaned(input.hostname ?? server.hostname());
      const listeners = (await server.listeners()).filter(({ protocol }) => protocol === 'smtp');
      return { hostname: name, items: await checkHost(name, { resolver: server.resolver, listeners }) };
    },
  }),
];
