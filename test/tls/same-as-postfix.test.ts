// The same configuration in a real Postfix and in ours: certificates that clients show, names that they ask for, what
// tables say of both; the same replies, log lines and Received fields. What Node does not tell of a handshake (key
// exchange, signatures) is taken out of Postfix's lines first: docs/postfix-parity.md.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync, chmodSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ConnectionOptions } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findFreePorts } from '../harness/free-ports.ts';
import { LmtpSink } from '../harness/lmtp-sink.ts';
import { PosthasteProcess } from '../harness/posthaste-process.ts';
import { noRealPostfix, RealPostfix } from '../harness/real-postfix.ts';
import { masterCf } from '../queue/relaying-postfix.ts';
import { Certificates, hasOpenssl } from '../queue/certificates.ts';
import { type Conversation, converse } from './tls-conversation.ts';

const reason = noRealPostfix ?? (hasOpenssl ? undefined : 'needs openssl');

/** `-o` of each service, by name; certificates and tables are filled in. */
const services = {
  ask: 'smtpd_tls_ask_ccert=yes',
  plain: 'smtpd_tls_loglevel=1',
  require: 'smtpd_tls_req_ccert=yes -o smtpd_tls_security_level=encrypt -o smtpd_tls_loglevel=2',
  optional: 'smtpd_tls_req_ccert=yes',
  shallow: 'smtpd_tls_req_ccert=yes -o smtpd_tls_security_level=encrypt -o smtpd_tls_ccert_verifydepth=0',
  certified: 'smtpd_tls_ask_ccert=yes -o smtpd_relay_restrictions=permit_tls_clientcerts,reject_unauth_destination',
  trusted: 'smtpd_tls_ask_ccert=yes -o smtpd_relay_restrictions=permit_tls_all_clientcerts,reject',
  access: 'smtpd_tls_ask_ccert=yes -o smtpd_client_restrictions=check_ccert_access,texthash:FOLDER/access',
  keyOnly:
    'smtpd_tls_ask_ccert=yes -o { smtpd_client_restrictions = check_ccert_access { texthash:FOLDER/access, { search_order = pubkey_fingerprint } } }',
  failing: 'smtpd_tls_ask_ccert=yes -o smtpd_client_restrictions=check_ccert_access,fail:away',
  failingRelay:
    'smtpd_tls_ask_ccert=yes -o relay_clientcerts=fail:away -o smtpd_relay_restrictions=permit_tls_clientcerts,reject',
  named: 'tls_server_sni_maps=texthash:FOLDER/names',
  indexed: 'tls_server_sni_maps=hash:FOLDER/indexed',
  unnamed: 'tls_server_sni_maps=fail:away',
  limited: 'smtpd_client_new_tls_session_rate_limit=1',
  limitedWrapped: 'smtpd_tls_wrappermode=yes -o smtpd_client_new_tls_session_rate_limit=1',
  wrapped: 'smtpd_tls_wrappermode=yes -o smtpd_tls_ask_ccert=yes',
} as const;
type Service = keyof typeof services;

// Skipped where Postfix or openssl (scripts/install-test-servers) is not there; CI installs them and counts a skip as a failure.
describe.skipIf(reason !== undefined)(`TLS as Postfix's${reason === undefined ? '' : ` (${reason})`}`, () => {
  let certificates: Certificates;
  let sink: LmtpSink;
  let postfix: RealPostfix;
  let ours: PosthasteProcess;
  let folder: string;
  const ports = { postfix: new Map<Service, number>(), ours: new Map<Service, number>() };

  beforeAll(async () => {
    certificates = new Certificates();
    certificates.makeDeep('deep1', 1);
    certificates.makeDeep('deep2', 2);
    sink = await LmtpSink.start();
    folder = mkdtempSync('/var/tmp/posthaste-tls-parity-');
    chmodSync(folder, 0o755);
    const names = Object.keys(services) as Service[];
    const free = await findFreePorts(names.length * 2 + 1);
    for (const name of names) {
      ports.postfix.set(name, free.pop() as number);
      ports.ours.set(name, free.pop() as number);
    }
    writeTables();
    const settings = {
      myhostname: 'mx.example.com',
      mynetworks: '',
      inet_interfaces: '127.0.0.1',
      inet_protocols: 'ipv4',
      relay_domains: 'example.com',
      relay_transport: `lmtp:inet:127.0.0.1:${sink.port}`,
      default_transport: `lmtp:inet:127.0.0.1:${sink.port}`,
      smtpd_relay_restrictions: 'reject_unauth_destination',
      smtpd_peername_lookup: 'no',
      smtpd_tls_chain_files: certificates.path('good'),
      smtpd_tls_CAfile: certificates.path('ca'),
      smtpd_tls_security_level: 'may',
      smtpd_tls_loglevel: '1',
      smtpd_tls_received_header: 'yes',
      relay_clientcerts: `texthash:${folder}/relay`,
    };
    const [port = 0] = free;
    postfix = new RealPostfix(join(folder, 'postfix'), port);
    const own = { ...postfix.settings, compatibility_level: '3.6', mydestination: '', alias_maps: '', ...settings };
    const mainCf = Object.entries(own).map(([name, value]) => `${name} = ${value}\n`);
    await postfix.start(mainCf.join(''), `${masterCf(port)}lmtp unix - - n - - lmtp\n${lines('postfix')}`);
    ours = await PosthasteProcess.create({
      folder: join(folder, 'ours'),
      settings: { ...settings, notify_classes: '' },
      services: `lmtp unix - - n - - lmtp\n${lines('ours')}`,
    });
    await ours.start();
  }, 60_000);

  afterAll(async () => {
    postfix?.stop();
    await ours?.stop();
    sink?.close();
    rmSync(folder, { recursive: true, force: true });
    certificates.remove();
  });

  function writeTables(): void {
    const fingerprint = (name: string, of: 'certificate' | 'key' = 'certificate') => certificates.fingerprint(name, of);
    const tables = {
      relay: `${fingerprint('alone')} anything\n${fingerprint('good', 'key')} x\n`,
      access: `${fingerprint('client')} REJECT known\n${fingerprint('alone', 'key')} 450 4.7.1 by its key\n`,
      names: `other.example ${certificates.path('other')}\n.wild.example ${certificates.path('good')}\n`,
    };
    for (const [name, text] of Object.entries(tables)) writeFileSync(join(folder, name), text);
    // An index with the contents of the files, whose source is gone.
    const source = join(folder, 'indexed');
    writeFileSync(source, tables.names);
    writeFileSync(join(folder, 'main.cf'), 'compatibility_level = 3.6\n');
    execFileSync('postmap', ['-c', folder, '-F', `hash:${source}`]);
    rmSync(source);
    chmodSync(`${source}.db`, 0o644);
  }

  function lines(side: 'postfix' | 'ours'): string {
    const line = (name: Service, options: string) =>
      `127.0.0.1:${ports[side].get(name)} inet n - n - - smtpd -o syslog_name=${name} -o ${options}\n`;
    return Object.entries(services)
      .map(([name, options]) => line(name as Service, options.replaceAll('FOLDER', folder)))
      .join('');
  }

  const shows = (name: string): ConnectionOptions => ({ key: certificates.pem(name), cert: certificates.pem(name) });

  interface Seen {
    readonly outcome: Conversation | string;
    readonly log: readonly string[];
    readonly received: readonly string[];
  }

  let count = 0;

  async function ask(side: 'postfix' | 'ours', service: Service, tls: ConnectionOptions, to: string): Promise<Seen> {
    const text = () => (side === 'postfix' ? postfix.readLog().split('\n') : ours.logLines());
    const start = text().length - 1;
    const mark = `case-${count++}`;
    const port = ports[side].get(service) as number;
    const isWrapped = service === 'wrapped' || service === 'limitedWrapped';
    const outcome = await converse({ port, tls, recipient: to, mark, isWrapped }).catch(() => 'no handshake');
    const fresh = () => text().slice(start);
    for (let turn = 0; turn < 200 && !fresh().some((line) => line.includes(': disconnect from')); turn++)
      await sleep(10);
    const isTaken = typeof outcome !== 'string' && outcome.replies.at(-1)?.startsWith('250') === true;
    let messages = sink.take(mark);
    for (let turn = 0; isTaken && messages.length === 0 && turn < 500; turn++) {
      await sleep(10);
      messages = sink.take(mark);
    }
    return {
      outcome: typeof outcome === 'string' ? outcome : { ...outcome, replies: outcome.replies.map(withoutId) },
      log: fresh().flatMap((line) => told(line, service)),
      received: traceOf(messages[0]?.headers ?? []),
    };
  }

  /** What is said of TLS and refusals, without time, process and what Node does not tell. */
  function told(line: string, service: string): string[] {
    const [, text] = new RegExp(`${service}/smtpd\\[\\d+\\]: (.*)`).exec(line) ?? [];
    if (text === undefined || !/TLS|NOQUEUE|certificate|subject_CN|warning/.test(text)) return [];
    // How a table that is away is told of, and what OpenSSL says of a handshake, has other words here.
    if (
      /^warning: (?!tls_server).*fail:away|relay_clientcerts: lookup error|TLS library problem|Can't require client certs/.test(
        text,
      )
    )
      return [];
    // Here the test's client does not go on as one that knows of STARTTLS's refusal would.
    if (/(?:lost connection|bare <LF> received) after STARTTLS/.test(text)) return [];
    if (/TLS cipher list|Issuing session ticket|initializing the server-side|SSL_accept:/.test(text)) return [];
    return [text.replace(/ key-exchange .*$/, '').replace(/(map lookup problem): .*|(for service) .*/, '$1$2')];
  }

  function traceOf(headers: readonly string[]): string[] {
    const start = headers.findIndex((line) => line.startsWith('Received:'));
    return headers
      .slice(start, start + 7)
      .join('\n')
      .replace(/(?:\n\t (?:key-exchange|client-signature).*)+/, ')')
      .replace(/ id \w+/, ' id ID')
      .replace(/[A-Z][a-z]{2}, \d+ \w+ \d+ [\d:]+ .*/s, 'DATE')
      .split('\n');
  }

  const withoutId = (reply: string) => reply.replace(/queued as \w+/, 'queued');

  test.each<[Service, string, () => ConnectionOptions, string?]>([
    ['plain', 'a client that is not asked', () => ({})],
    ['plain', 'an older version', () => ({ maxVersion: 'TLSv1.2' })],
    ['ask', 'no certificate', () => ({})],
    ['ask', 'one that is trusted', () => shows('client')],
    ['ask', 'one that nobody vouches for', () => shows('alone')],
    ['require', 'no certificate', () => ({})],
    ['require', 'one that is trusted', () => shows('client')],
    ['require', 'one that nobody vouches for', () => shows('alone')],
    ['optional', 'no certificate', () => ({})],
    ['shallow', 'so many issuers', () => shows('deep1')],
    ['shallow', 'too many issuers', () => shows('deep2')],
    ['certified', 'a listed certificate relays', () => shows('alone'), 'x@far.example'],
    ['certified', 'so does a listed key', () => shows('good'), 'x@far.example'],
    ['certified', 'a trusted one that is not listed does not', () => shows('client'), 'x@far.example'],
    ['certified', 'nor does a client without', () => ({}), 'x@far.example'],
    ['trusted', 'a trusted one relays', () => shows('client'), 'x@far.example'],
    ['trusted', 'another does not', () => shows('alone'), 'x@far.example'],
    ['access', 'a row of its certificate', () => shows('client')],
    ['access', 'a row of its key', () => shows('alone')],
    ['access', 'no row', () => shows('good')],
    ['access', 'no certificate', () => ({})],
    ['keyOnly', 'a row of its certificate is not looked up', () => shows('client')],
    ['keyOnly', 'a row of its key is', () => shows('alone')],
    ['failing', 'a table that is away', () => shows('client')],
    ['failing', 'a table that is away is not asked without a certificate', () => ({})],
    ['failingRelay', 'a table that is away', () => shows('client')],
    ['named', 'a name', () => ({ servername: 'other.example' })],
    ['named', 'a name in capitals', () => ({ servername: 'OTHER.example' })],
    ['named', 'a name below a row with a dot', () => ({ servername: 'a.b.wild.example' })],
    ['named', 'a name without a row', () => ({ servername: 'no.example' })],
    ['named', 'no name', () => ({})],
    ['indexed', 'a name in an index of postmap -F', () => ({ servername: 'other.example' })],
    ['indexed', 'a name below a row of it', () => ({ servername: 'a.wild.example' })],
    ['unnamed', 'a table that is away', () => ({ servername: 'other.example' })],
    ['wrapped', 'TLS from the first octet', () => shows('client')],
    ['limited', 'the first new session', () => ({})],
    ['limited', 'one too many', () => ({})],
    ['limited', 'no further one is begun', () => ({})],
    ['limitedWrapped', 'the first new session', () => ({})],
    ['limitedWrapped', 'one too many', () => ({})],
  ])('%s: %s', async (service, _title, tls, to = 'ann@example.com') => {
    const [theirs, own] = await Promise.all([ask('postfix', service, tls(), to), ask('ours', service, tls(), to)]);
    // Where Postfix ends TLS below its last reply, that may come through or not.
    if (service === 'limited') expect(own.log).toEqual(theirs.log);
    else expect(own).toEqual(theirs);
    if (typeof own.outcome !== 'string' && own.outcome.replies.at(-1)?.startsWith('250')) {
      expect(own.received.length).toBeGreaterThan(3);
    }
  });
});
