// Writes a group's tables, and main.cf and master.cf as both servers read them. Every transport is discard(8), which
// logs the next hop as its reason: one log line tells transport, next hop, recipient, original recipient and status.

import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { ageFile } from '../harness/real-postfix.ts';
import type { Backends } from './backends.ts';
import type { ParityGroup } from './parity-case.ts';

/** What holds in every group that does not say otherwise. */
const base: Readonly<Record<string, string>> = {
  compatibility_level: '3.6',
  myhostname: 'mx.oracle.test',
  mydomain: 'oracle.test',
  myorigin: '$myhostname',
  mydestination: '$myhostname, localhost.$mydomain, localhost',
  inet_interfaces: '127.0.0.1',
  inet_protocols: 'ipv4',
  mynetworks: '127.0.0.0/8',
  alias_maps: '',
  alias_database: '',
  biff: 'no',
  smtpd_authorized_xclient_hosts: '127.0.0.1',
  smtpd_peername_lookup: 'no',
  disable_dns_lookups: 'yes',
  smtpd_client_connection_count_limit: '0',
  smtpd_client_connection_rate_limit: '0',
  smtpd_client_message_rate_limit: '0',
  smtpd_client_recipient_rate_limit: '0',
  smtpd_error_sleep_time: '0',
  smtpd_soft_error_limit: '100000',
  smtpd_hard_error_limit: '100000',
  smtpd_junk_command_limit: '100000',
  in_flow_delay: '0',
  smtpd_relay_restrictions: 'permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination',
  smtpd_sasl_auth_enable: 'yes',
  smtpd_sasl_type: 'dovecot',
  smtpd_sasl_path: '$T/auth.sock',
  smtpd_sasl_security_options: 'noanonymous',
  virtual_transport: 'virtual',
  enable_long_queue_ids: 'yes',
  notify_classes: '',
  default_destination_recipient_limit: '1000',
  smtpd_recipient_limit: '100000',
};

const transports = ['local', 'virtual', 'smtp', 'relay', 'lmtp', 't1', 't2', 't3', 'autoreply', 'uucp'] as const;

const daemons = [
  'pickup unix n - n 60 1 pickup',
  'cleanup unix n - n - 0 cleanup',
  'qmgr unix n - n 300 1 qmgr',
  'tlsmgr unix - - n 1000? 1 tlsmgr',
  'rewrite unix - - n - - trivial-rewrite',
  'bounce unix - - n - 0 bounce',
  'defer unix - - n - 0 bounce',
  'trace unix - - n - 0 bounce',
  'verify unix - - n - 1 verify',
  'flush unix n - n 1000? 0 flush',
  'proxymap unix - - n - - proxymap',
  'proxywrite unix - - n - 1 proxymap',
  'showq unix n - n - - showq',
  'error unix - - n - - error',
  'retry unix - - n - - error',
  'discard unix - - n - - discard',
  'anvil unix - - n - 1 anvil',
  'scache unix - - n - 1 scache',
  'postlog unix-dgram n - n - 1 postlogd',
] as const;

/** Writes the group's tables into `folder`, which is what `$T` stands for. */
export async function placeTables(group: ParityGroup, folder: string, backends: Backends): Promise<void> {
  for (const [name, table] of Object.entries(group.served ?? {})) {
    const path = join(folder, name);
    writeFileSync(path, await backends.serve(table));
    ageFile(path);
  }
  for (const [name, text] of Object.entries(group.tables)) {
    const path = join(folder, name);
    writeFileSync(path, text.replaceAll('$T/', `${folder}/`));
    ageFile(path);
  }
  for (const [name, sql] of Object.entries(group.sqlite ?? {})) makeDatabase(join(folder, name), sql);
  const indexes = Object.entries(group.indexed ?? {}).map(([name, type]) => `${type}:${join(folder, name)}`);
  if (indexes.length > 0) makeIndexes(folder, indexes);
}

export interface Placement {
  /** Holds the tables; `$T`. */
  readonly tables: string;
  readonly port: number;
  /** The sink's port, for groups that capture. */
  readonly sinkPort: number;
  /** The server's own settings: where its queue and log are. */
  readonly settings: Readonly<Record<string, string>>;
}

export interface ConfigurationTexts {
  readonly mainCf: string;
  readonly masterCf: string;
}

export function configurationOf(group: ParityGroup, placement: Placement): ConfigurationTexts {
  const place = (text: string): string => text.replaceAll('$T/', `${placement.tables}/`);
  const isCaptured = group.capture === true;
  const captured = Object.fromEntries(
    ['default', 'virtual', 'relay', 'local'].map((one) => [
      `${one}_transport`,
      `lmtp:inet:127.0.0.1:${placement.sinkPort}`,
    ]),
  );
  const main = { ...base, ...group.main, ...(isCaptured ? captured : {}), ...placement.settings };
  const lines = Object.entries(main).map(([name, value]) => `${name} = ${place(value)}\n`);
  const own = [...(group.master ?? []), ...(isCaptured ? ['lmtp unix - - n - - lmtp'] : [])].map(place);
  const named = new Set(own.map((line) => line.split(/\s/, 1)[0]));
  const usual = transports
    .filter((name) => !named.has(name))
    .map((name) => `${name} unix - - n - - discard\n  -o syslog_name=postfix/$service_name`);
  const smtpd = `127.0.0.1:${placement.port} inet n - n - - smtpd`;
  return { mainCf: lines.join(''), masterCf: `${[smtpd, ...daemons, ...usual, ...own].join('\n')}\n` };
}

/** Both servers get the same file. */
function makeIndexes(folder: string, tables: readonly string[]): void {
  const etc = join(folder, 'postmap');
  mkdirSync(etc, { recursive: true });
  writeFileSync(join(etc, 'main.cf'), 'compatibility_level = 3.6\n');
  ageFile(join(etc, 'main.cf'));
  execFileSync('/usr/sbin/postmap', ['-c', etc, ...tables], { stdio: 'ignore' });
}

function makeDatabase(path: string, sql: string): void {
  rmSync(path, { force: true });
  const database = new Database(path);
  database.exec(sql);
  database.close();
  chmodSync(path, 0o644);
}
