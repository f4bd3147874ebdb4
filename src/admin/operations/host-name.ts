// The name by which other servers know this host, and what the DNS says of it.

import { Type } from 'typebox';
import { checkHost } from '../host-check.ts';
import { readHostName, writeHostName } from '../host-name.ts';
import { type OperationContext, operation } from '../operation.ts';
import { anyText, object, optional, words, yes } from '../schemas.ts';

const hostname = anyText('As mail.example.com.', 253);
const current = {
  hostname: anyText('As main.cf has it (myhostname).'),
  isSet: yes('It stands in a file; else it is the name of the machine.'),
};
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

async function folderOf(server: OperationContext['server']): Promise<string> {
  const { configDirectory } = (await server.status()) as { readonly configDirectory: string };
  return configDirectory;
}

export const hostNameOperations = [
  operation({
    name: 'host.show',
    summary: 'Show the name of the host.',
    method: 'GET',
    path: '/host',
    input: object({}),
    output: object({ ...current, running: anyText('The name that is in use now.') }),
    access: { who: 'host' },
    kind: 'read',
    run: async (_input, { server }) => ({
      ...(await readHostName(await folderOf(server))),
      running: server.hostname(),
    }),
  }),
  operation({
    name: 'host.set',
    summary: 'Change the name of the host in main.cf, and have the server read it.',
    method: 'PATCH',
    path: '/host',
    input: object({ hostname }),
    output: object({ ...current, needsRestart: words('What takes effect with the next start only.') }),
    access: { who: 'host' },
    kind: 'act',
    run: async (input, { server }) => {
      const folder = await folderOf(server);
      await writeHostName(folder, input.hostname.trim().replace(/\.$/, '').toLowerCase());
      const needsRestart = (await server.control({ command: 'reload' })) as readonly string[];
      return { ...(await readHostName(folder)), needsRestart };
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
      const name = (input.hostname ?? server.hostname()).trim().replace(/\.$/, '').toLowerCase();
      const listeners = (await server.listeners()).filter(({ protocol }) => protocol === 'smtp');
      return { hostname: name, items: await checkHost(name, { resolver: server.resolver, listeners }) };
    },
  }),
];
