// The commands of master.cf that are known, and where an inet service listens.

import { readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import type { ServiceEntry } from './master-cf.ts';
import type { Settings } from './settings.ts';
import { SettingsError } from './settings-error.ts';

/** A service with the settings that hold in it: main.cf with the service's own `-o` on top. */
export interface MasterService extends ServiceEntry {
  readonly settings: Settings;
}

/**
 * served: this program does that job. inside: Postfix needs a process for it, this program does it within.
 * unserved: known, but nothing here does it yet, so the service is reported.
 */
export type CommandStatus = 'served' | 'inside' | 'unserved';

const commands: ReadonlyMap<string, CommandStatus> = new Map<string, CommandStatus>([
  ['smtpd', 'served'],
  ['smtp', 'served'],
  ['lmtp', 'served'],
  ['mailstore', 'served'],
  ['error', 'served'],
  ['discard', 'served'],
  ['pickup', 'served'],
  ['cleanup', 'inside'],
  ['qmgr', 'inside'],
  ['oqmgr', 'inside'],
  ['nqmgr', 'inside'],
  ['tlsmgr', 'inside'],
  ['trivial-rewrite', 'inside'],
  ['bounce', 'inside'],
  ['verify', 'inside'],
  ['flush', 'inside'],
  ['proxymap', 'inside'],
  ['showq', 'inside'],
  ['anvil', 'inside'],
  ['scache', 'inside'],
  ['postlogd', 'inside'],
  ['local', 'served'],
  ['virtual', 'served'],
  ['pipe', 'served'],
  ['spawn', 'unserved'],
  ['qmqpd', 'unserved'],
  ['tlsproxy', 'inside'],
  ['dnsblog', 'inside'],
  ['postscreen', 'served'],
]);

/** Undefined for a command that neither Postfix nor this program has. */
export function commandStatus(command: string): CommandStatus | undefined {
  return commands.get(command);
}

export interface ListenAddress {
  /** An IP address without brackets. */
  readonly host: string;
  readonly port: number;
}

const ports: Readonly<Record<string, number>> = {
  smtp: 25,
  lmtp: 24,
  submission: 587,
  submissions: 465,
  smtps: 465,
  imap: 143,
  imap2: 143,
  imaps: 993,
  pop3: 110,
  pop3s: 995,
  sieve: 4190,
  http: 80,
  https: 443,
};

/**
 * Reads `host:port`, `[v6]:port`, `:port` or `port` as the first field of an inet service and the lists
 * posthaste_*_listen have it. Without a host it is every address of inet_interfaces, per IP version of
 * inet_protocols; `0.0.0.0` and `::` come apart, so `::` is to be opened for IPv6 only.
 */
export function listenAddresses(text: string, settings: Settings, parameter = 'master.cf service'): ListenAddress[] {
  const match = /^(?:\[([^\]]*)\]:|([^:]*):)?([^:[\]]+)$/.exec(text);
  const port = match === null ? undefined : findPort(match[3] as string, settings);
  if (match === null || port === undefined) {
    const allowed = 'must be address:port, [address]:port or port, with a number or a known name as the port';
    throw new SettingsError(`${parameter} ${text}: ${allowed}`, parameter, settings.origin(parameter));
  }
  const host = match[1] ?? match[2] ?? '';
  if (host === 'localhost') return [{ host: '127.0.0.1', port }];
  return host === '' ? interfaceAddresses(settings).map((address) => ({ host: address, port })) : [{ host, port }];
}

function findPort(text: string, settings: Settings): number | undefined {
  if (/^[0-9]{1,5}$/.test(text)) return Number(text) < 65_536 ? Number(text) : undefined;
  // `known_tcp_ports = lmtp=24, smtps=submissions=465`: names, then the number.
  for (const entry of settings.list('known_tcp_ports')) {
    const names = entry.split('=');
    const number = Number(names.pop());
    if (names.includes(text) && Number.isInteger(number)) return number;
  }
  return ports[text] ?? findSystemPort(text);
}

function findSystemPort(name: string): number | undefined {
  let table: string;
  try {
    table = readFileSync('/etc/services', 'latin1');
  } catch {
    return undefined;
  }
  for (const line of table.split('\n')) {
    const [first, port, ...others] = (line.split('#')[0] ?? '').trim().split(/\s+/);
    if (port?.endsWith('/tcp') && (first === name || others.includes(name))) return Number.parseInt(port, 10);
  }
  return undefined;
}

function interfaceAddresses(settings: Settings): string[] {
  const protocols = settings.list('inet_protocols');
  const families = { v4: has(protocols, 'ipv4'), v6: has(protocols, 'ipv6') && machineHasV6() };
  const entries = settings.list('inet_interfaces');
  const named = (v4: string, v6: string): string[] => [...(families.v4 ? [v4] : []), ...(families.v6 ? [v6] : [])];
  if (entries.length === 0 || entries.includes('all')) return named('0.0.0.0', '::');
  return entries.flatMap((entry) =>
    entry === 'loopback-only' || entry === 'localhost' ? named('127.0.0.1', '::1') : [entry.replace(/^\[|\]$/g, '')],
  );
}

function has(protocols: readonly string[], wanted: string): boolean {
  return protocols.some((protocol) => protocol.toLowerCase() === 'all' || protocol.toLowerCase() === wanted);
}

function machineHasV6(): boolean {
  return Object.values(networkInterfaces()).some((list) => list?.some((one) => one.family === 'IPv6') === true);
}
