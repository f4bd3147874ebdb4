// main.cf and master.cf for a real Postfix on our directory, made of our own: the parameters are Postfix's already, so what
// is set here is set there, in the same words. Only this differs:
//
//  - `directory:TABLE` becomes the map files that answer as it does, through proxymap(8), so that few connections serve
//    all processes;
//  - our mailstore becomes Dovecot by LMTP, or ourselves by LMTP, or virtual(8) and Maildirs;
//  - logins are asked of Dovecot's auth protocol, which Dovecot serves, or we do (posthaste_auth_listen);
//  - maintenance, which we know by ourselves, is asked by check_recipient_access;
//  - mail for a mailing list goes back to us by our sendmail, since nobody else knows its members;
//  - parameters of ours alone (posthaste_...) are left out.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Configuration, dataDirectoryOf } from '../../settings/configuration.ts';
import type { MasterService } from '../../settings/services.ts';
import { selfSignedFile } from '../../tls/self-signed-file.ts';
import type { Driver } from './dialect.ts';
import { type ExportedFile, exportMark, ExportRefused } from './export-files.ts';
import { setParts } from './map-files.ts';

export type Delivery = 'dovecot' | 'posthaste' | 'virtual';
export const deliveries = ['dovecot', 'posthaste', 'virtual'] as const satisfies readonly Delivery[];

export interface PostfixFacts {
  readonly configuration: Configuration;
  readonly driver: Driver;
  /** Where the map files will be, as Postfix sees it. */
  readonly mapFolder: string;
  readonly delivery: Delivery;
  /** Of virtual(8): whose Maildirs, and where. */
  readonly mailFolder: string;
  readonly mailUid: number;
  readonly mailGid: number;
  /** Our own program, for mailing lists, and who runs it. */
  readonly program: string;
  readonly programUser: string;
  readonly maker: string;
}

export function postfixFiles(facts: PostfixFacts): ExportedFile[] {
  return [
    { name: 'main.cf', text: mainFile(facts), mode: 0o644 },
    { name: 'master.cf', text: masterFile(facts), mode: 0o644 },
  ];
}

function head(facts: PostfixFacts, name: string): string {
  return `# ${exportMark} postfix (${facts.maker}): run that again instead of changing this file.
# What it says comes from the ${name} there: change that.
`;
}

/** Ours, without what only we know; then what must be otherwise. */
function mainFile(facts: PostfixFacts): string {
  const { settings } = facts.configuration;
  const lines = new Map<string, string>();
  for (const name of settings.names()) {
    if (name.startsWith('posthaste_') || name === 'config_directory') continue;
    lines.set(name, translate(facts, name, settings.raw(name) ?? ''));
  }
  for (const [name, value] of [...deliveryLines(facts), ...loginLines(facts), ...tlsLines(facts)])
    lines.set(name, value);
  // At the end, where it does not bother who has logged in: their mail waits in the queue.
  const maintenance = `permit_sasl_authenticated, reject_unlisted_recipient, check_recipient_access ${mapNames(facts, ['sql-maintain.cf'])}`;
  const recipient = lines.get('smtpd_recipient_restrictions') ?? '';
  lines.set('smtpd_recipient_restrictions', [recipient, maintenance].filter((one) => one !== '').join(', '));
  const sorted = [...lines].toSorted(([one], [other]) => (one < other ? -1 : 1));
  return head(facts, 'main.cf') + sorted.map(([name, value]) => `${name} = ${value}\n`).join('');
}

/** With every `directory:TABLE` in it replaced. Throws ExportRefused for what has no file. */
function translate(facts: PostfixFacts, name: string, value: string): string {
  return value.replaceAll('\n', ' ').replace(/(?:proxy:)?directory:([a-z-]+)/g, (_text, table: string) => {
    const part = setParts(facts.driver).find((one) => one.table === table);
    if (part === undefined) throw new ExportRefused(`${name}: there is no map for directory:${table}`);
    // One query answers as the three files do.
    const files = table === 'sender-logins' ? ['sql-sender-login-map.cf'] : part.files;
    return mapNames(facts, files);
  });
}

function mapNames({ driver, mapFolder }: PostfixFacts, files: readonly string[]): string {
  return files.map((file) => `proxy:${driver}:${join(mapFolder, file)}`).join(', ');
}

function deliveryLines(facts: PostfixFacts): [string, string][] {
  const { configuration, delivery, mailFolder, mailUid, mailGid } = facts;
  const transport = configuration.settings.expanded('virtual_transport');
  const isMailstore = configuration.services.some(
    ({ type, name, command }) => type === 'unix' && name === transport && command === 'mailstore',
  );
  if (!isMailstore) return [];
  switch (delivery) {
    case 'dovecot':
      return [['virtual_transport', 'lmtp:unix:private/dovecot-lmtp']];
    case 'posthaste':
      return [['virtual_transport', `lmtp:${ownLmtp(configuration)}`]];
    case 'virtual':
      return [
        ['virtual_transport', 'virtual'],
        ['virtual_mailbox_base', mailFolder],
        ['virtual_uid_maps', `static:${mailUid}`],
        ['virtual_gid_maps', `static:${mailGid}`],
        // virtual(8) refuses an uid below this.
        ['virtual_minimum_uid', String(Math.min(100, mailUid))],
        // postconf(5) wants it no smaller than message_size_limit.
        ['virtual_mailbox_limit', '0'],
      ];
  }
}

function ownLmtp({ settings }: Configuration): string {
  const [first] = settings.list('posthaste_lmtp_listen');
  if (first === undefined) {
    throw new ExportRefused('--delivery posthaste needs posthaste_lmtp_listen in main.cf, as in 127.0.0.1:24');
  }
  const [, host = '127.0.0.1', port = first] = /^(.*):(\d+)$/.exec(first) ?? [];
  return `inet:${host === '' ? '127.0.0.1' : host}:${port}`;
}

/** Dovecot's protocol, in the place where both of us serve it. */
function loginLines({ configuration }: PostfixFacts): [string, string][] {
  if (configuration.settings.text('smtpd_sasl_type') !== 'directory') return [];
  return [
    ['smtpd_sasl_type', 'dovecot'],
    ['smtpd_sasl_path', 'private/auth'],
  ];
}

function tlsLines({ configuration }: PostfixFacts): [string, string][] {
  const { settings } = configuration;
  const isNamed = settings.text('smtpd_tls_chain_files') !== '' || settings.text('smtpd_tls_cert_file') !== '';
  const files = isNamed ? undefined : certificateOf(configuration);
  if (files === undefined) return [];
  return [
    ['smtpd_tls_cert_file', files.file],
    ['smtpd_tls_key_file', files.keyFile],
  ];
}

/** The server's certificate: the one of main.cf, else the self-signed one that the first start has made. */
export function certificateOf(
  configuration: Configuration,
): { readonly file: string; readonly keyFile: string } | undefined {
  const { settings } = configuration;
  const file = settings.text('smtpd_tls_cert_file');
  if (file !== '' && file !== 'none') return { file, keyFile: settings.text('smtpd_tls_key_file') || file };
  const own = selfSignedFile(dataDirectoryOf(configuration));
  return existsSync(own) ? { file: own, keyFile: own } : undefined;
}

/** What Postfix needs processes for, and we do not. */
const usual: Readonly<Record<string, string>> = {
  pickup: 'unix  n       -       n       60      1       pickup',
  cleanup: 'unix  n       -       n       -       0       cleanup',
  qmgr: 'unix  n       -       n       300     1       qmgr',
  tlsmgr: 'unix  -       -       n       1000?   1       tlsmgr',
  rewrite: 'unix  -       -       n       -       -       trivial-rewrite',
  bounce: 'unix  -       -       n       -       0       bounce',
  defer: 'unix  -       -       n       -       0       bounce',
  trace: 'unix  -       -       n       -       0       bounce',
  verify: 'unix  -       -       n       -       1       verify',
  flush: 'unix  n       -       n       1000?   0       flush',
  proxymap: 'unix  -       -       n       -       -       proxymap',
  proxywrite: 'unix  -       -       n       -       1       proxymap',
  smtp: 'unix  -       -       n       -       -       smtp',
  relay: 'unix  -       -       n       -       -       smtp',
  showq: 'unix  n       -       n       -       -       showq',
  error: 'unix  -       -       n       -       -       error',
  retry: 'unix  -       -       n       -       -       error',
  discard: 'unix  -       -       n       -       -       discard',
  local: 'unix  -       n       n       -       -       local',
  virtual: 'unix  -       n       n       -       -       virtual',
  lmtp: 'unix  -       -       n       -       -       lmtp',
  anvil: 'unix  -       -       n       -       1       anvil',
  scache: 'unix  -       -       n       -       1       scache',
  postlog: 'unix-dgram n  -       n       -       1       postlogd',
};

function masterFile(facts: PostfixFacts): string {
  const { services, settings } = facts.configuration;
  const kept = services.filter(({ command }) => command !== 'mailstore');
  const lines = kept.map((service) => serviceLines(facts, service));
  for (const [name, rest] of Object.entries(usual)) {
    if (!kept.some((one) => one.type !== 'inet' && one.name === name)) lines.push(`${name.padEnd(12)}${rest}\n`);
  }
  const flags = 'flags=Rq user=';
  lines.push(`# Mail for a mailing list: its members are ours to know.
posthaste-list unix - n n - - pipe
  ${flags}${facts.programUser} argv=${facts.program} -c ${settings.text('config_directory')} sendmail -i -f \${sender} -- \${recipient}
`);
  return head(facts, 'master.cf') + lines.join('');
}

/** Ours as it stands; nothing is chrooted, since the maps and sockets are outside. */
function serviceLines(facts: PostfixFacts, service: MasterService): string {
  const [name, type, isPrivate, unprivileged, , ...rest] = service.fields;
  const fields = [name, type, isPrivate, unprivileged, 'n', ...rest.slice(0, 3)].join(' ');
  const overrides = new Map(
    Object.entries(service.overrides)
      .filter(([parameter]) => !parameter.startsWith('posthaste_'))
      .map(([parameter, value]) => [parameter, translate(facts, parameter, value)]),
  );
  const options = [...overrides].map(([parameter, value]) => `  -o { ${parameter} = ${value} }\n`);
  const args = service.args.length === 0 ? '' : ` ${service.args.join(' ')}`;
  return `${fields}${args}\n${options.join('')}`;
}
