// What a real Postfix 3.7.11 answered, case by case: replies at MAIL, RCPT and the end of DATA, and where each copy
// went. The cases are main.cf settings, text tables and envelopes; cases/*.json holds the answers beside them.

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { openRouting, type Routing } from '../../src/access/open-routing.ts';
import { MemoryLog } from '../../src/lib/log.ts';
import { type FinalRecipient, finalRecipients } from '../../src/queue/duplicates.ts';
import { splitStatus } from '../../src/routing/listed.ts';
import type { Client, Delivery, Reply } from '../../src/routing/types.ts';
import { parsePath } from '../../src/smtp/path.ts';
import { Settings } from '../../src/settings/settings.ts';

interface Case {
  readonly id: string;
  readonly from: string;
  readonly client?: readonly [string, string];
  readonly helo?: string;
  readonly login?: string;
  /** The reply to MAIL where it was a refusal. */
  readonly mail?: string;
  /** Each with its reply. */
  readonly recipients: readonly (readonly [string, string])[];
  readonly data?: string;
  /** The sender as the queue kept it, where rewriting had changed it. */
  readonly stored?: string;
  /** Transport, next hop or reason, final recipient, original recipient, status, enhanced status code. */
  readonly deliveries: readonly (readonly string[])[];
}

interface Group {
  readonly name: string;
  readonly main: Readonly<Record<string, string>>;
  readonly tables: Readonly<Record<string, string>>;
  readonly cases: readonly Case[];
}

// How the Postfix was set up that gave the answers.
const base = {
  compatibility_level: '3.6',
  myhostname: 'mx.oracle.test',
  mydomain: 'oracle.test',
  myorigin: '$myhostname',
  mydestination: '$myhostname, localhost.$mydomain, localhost',
  inet_interfaces: '127.0.0.1',
  inet_protocols: 'ipv4',
  mynetworks: '127.0.0.0/8',
  alias_maps: '',
  smtpd_relay_restrictions: 'permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination',
  smtpd_sasl_auth_enable: 'yes',
};

/** Where we differ on purpose: our reply at RCPT. The queue keeps what RCPT decided, Postfix's asks again later. */
const differs: Readonly<Record<string, string>> = {
  'transport table fails: t': '451 4.3.0 <a@va.test>: Temporary lookup failure',
};

const folder = join(import.meta.dirname, 'cases');
const scratch = mkdtempSync(join(tmpdir(), 'routing-'));
afterAll(() => rmSync(scratch, { recursive: true }));

for (const file of readdirSync(folder)) {
  const groups = JSON.parse(readFileSync(join(folder, file), 'utf8')) as Group[];
  for (const [number, group] of groups.entries()) {
    describe(`${file}: ${group.name}`, () => {
      const routing = openGroup(group, `${file}-${number}`);
      afterAll(() => routing.close());
      for (const one of group.cases) {
        const reply = differs[`${group.name}: ${one.id}`];
        test(one.id || '(empty)', () => runCase(routing, group, reply === undefined ? one : withReply(one, reply)));
      }
    });
  }
}

function withReply(one: Case, reply: string): Case {
  return {
    id: one.id,
    from: one.from,
    recipients: one.recipients.map(([address]) => [address, reply]),
    deliveries: [],
  };
}

function openGroup(group: Group, prefix: string): Routing {
  const place = (text: string): string => text.replaceAll('$T/', `${scratch}/${prefix}-`);
  for (const [name, text] of Object.entries(group.tables)) writeFileSync(place(`$T/${name}`), place(text));
  const main = Object.fromEntries(Object.entries(group.main).map(([name, value]) => [name, place(value)]));
  const settings = Settings.defaults({ ...base, ...main });
  return openRouting({ settings, log: new MemoryLog(), isWatching: false });
}

async function runCase(routing: Routing, group: Group, one: Case): Promise<void> {
  const policy = routing.policy(routing.settings);
  const [name, address] = one.client ?? ['localhost', '127.0.0.1'];
  const client: Client = {
    ...(name === 'unknown' ? {} : { name }),
    address,
    helo: one.helo ?? 'client.test',
    ...(one.login === undefined ? {} : { login: one.login }),
  };
  const mail = await policy.checkSender(one.from, client);
  expect(mail && wire(mail)).toBe(one.mail);
  if (mail !== undefined) return;

  const replies: [string, string][] = [];
  let data: Reply | undefined;
  const deliveries: Delivery[] = [];
  for (const [recipient] of one.recipients) {
    const parsed = asParsed(recipient);
    if (parsed === undefined) {
      replies.push([recipient, '501 5.1.3 Bad recipient address syntax']);
      continue;
    }
    const decided = await policy.checkRecipient(parsed, { sender: one.from, client });
    replies.push([recipient, decided.replyStage === 'rcpt' ? wire(decided.reply) : '250 2.1.5 Ok']);
    if (decided.replyStage === 'data') data ??= decided.reply;
    deliveries.push(...decided.deliveries);
  }
  expect(replies).toEqual(one.recipients);
  if (one.data !== undefined) expect(data ? wire(data) : '250 2.0.0 Ok: queued as QID').toBe(one.data);
  if (data !== undefined) return;
  if (one.stored !== undefined) expect(await policy.envelopeSender(one.from)).toBe(one.stored);
  const keepsOriginals = routing.settings.flag('enable_original_recipient');
  const submitted = deliveries.map((delivery) => ({ original: '', orcpt: '', notify: '', deliveries: [delivery] }));
  const paths = new Map(deliveries.map(({ recipient, path }) => [recipient, path]));
  const isRealVirtual = group.name === 'real virtual(8)';
  const kept = finalRecipients(submitted, keepsOriginals);
  const ours = kept.map((final) => asLogged(final, paths.get(final.recipient), isRealVirtual)).toSorted(byText);
  expect(ours).toEqual(one.deliveries.map((row) => [...row]).toSorted(byText));
}

function wire(reply: Reply): string {
  return reply.status === '' ? `${reply.code} ${reply.text}` : `${reply.code} ${reply.status} ${reply.text}`;
}

/** What the SMTP server makes of the path: quotes where they must be and nowhere else, no source route. */
function asParsed(recipient: string): string | undefined {
  const parsed = parsePath('TO', `TO:<${recipient}>`);
  return parsed.kind === 'path' ? parsed.path.address : undefined;
}

/** As Postfix logs the delivery: error(8) splits the status from the reason, virtual(8) looks for the mailbox. */
function asLogged(final: FinalRecipient, path: string | undefined, isRealVirtual: boolean): string[] {
  const { recipient, original, transport, nexthop } = final;
  if (transport === 'error' || transport === 'retry') {
    const { status, text } = splitStatus(nexthop, transport === 'error' ? '5.0.0' : '4.0.0');
    return ['error', text, recipient, original, transport === 'error' ? 'bounced' : 'deferred', status];
  }
  // qmgr(8) drops these itself; here the discard transport does.
  if (transport === 'discard') return ['qmgr', nexthop, recipient, original, 'sent', '2.0.0'];
  if (isRealVirtual && path === undefined) {
    return [transport, `unknown user: "${recipient}"`, recipient, original, 'bounced', '5.1.1'];
  }
  return [transport, isRealVirtual ? 'delivered to maildir' : nexthop, recipient, original, 'sent', '2.0.0'];
}

function byText(one: readonly string[], other: readonly string[]): number {
  return one.join('\n') < other.join('\n') ? -1 : 1;
}
