// The smtp_* and lmtp_* parameters as the SMTP client's options; what it cannot keep is a reason not to send.

import { networkInterfaces } from 'node:os';
import { domainToASCII } from 'node:url';
import { HostsFile } from '../dns/hosts-file.ts';
import { HostsResolver } from '../dns/hosts-resolver.ts';
import type { Resolver } from '../dns/resolver.ts';
import type { Clock } from '../lib/clock.ts';
import type { ConverterLimits } from '../message/seven-bit-converter.ts';
import type { Settings } from '../settings/settings.ts';
import type { ClientTables } from '../routing/client-tables.ts';
import { parsePort } from '../smtp-client/destination.ts';
import type { ClientOptions } from '../smtp-client/types.ts';
import { clientSasl } from './smtp-login.ts';
import { clientTls } from './smtp-tls.ts';

export interface ClientSurroundings {
  readonly resolver: Resolver;
  readonly clock: Clock;
  /** Notes of the client for the log (`connect to host[ip]:25: Connection refused`). */
  readonly note: (text: string) => void;
  readonly warn: (text: string) => void;
  /** The tables that these parameters name. Throws SettingsError. */
  readonly tables: (settings: Settings, protocol: 'smtp' | 'lmtp') => ClientTables;
}

export interface ServiceOptions {
  readonly options: ClientOptions;
  /** What an administrator should know at the start: some or all mail of this service will wait. */
  readonly problem: string | undefined;
}

/** Returns the reason as text where mail must not be sent with these settings. Throws SettingsError. */
export function clientOptions(
  protocol: 'smtp' | 'lmtp',
  settings: Settings,
  surroundings: ClientSurroundings,
): ServiceOptions | string {
  if (settings.text(`${protocol}_tls_per_site`) !== '') {
    return `${protocol}_tls_per_site is not supported; use ${protocol}_tls_policy_maps`;
  }
  const tables = surroundings.tables(settings, protocol);
  const sasl = clientSasl(protocol, settings, tables);
  if (typeof sasl === 'string') return sasl;
  const log = { info: surroundings.note, warning: surroundings.warn };
  const { tls, problem } = clientTls(protocol, settings, tables, { clock: surroundings.clock, log });
  const milliseconds = (name: TimeoutName) => settings.seconds(name) * 1000 || Number(0x7fffffff);
  const hello = protocol === 'smtp' ? settings.text('smtp_helo_name') : settings.text('lmtp_lhlo_name');
  const own = new Set([...ownAddresses(), ...settings.list('proxy_interfaces')]);
  const native = settings.list(`${protocol}_host_lookup`).includes('native') || settings.flag('disable_dns_lookups');
  const options: ClientOptions = {
    protocol,
    resolver: native
      ? new HostsResolver(new HostsFile('/etc/hosts', surroundings.clock), surroundings.resolver)
      : surroundings.resolver,
    clock: surroundings.clock,
    timeouts: {
      connect: milliseconds(`${protocol}_connect_timeout`),
      helo: milliseconds(protocol === 'smtp' ? 'smtp_helo_timeout' : 'lmtp_lhlo_timeout'),
      startTls: milliseconds(`${protocol}_starttls_timeout`),
      mail: milliseconds(`${protocol}_mail_timeout`),
      rcpt: milliseconds(`${protocol}_rcpt_timeout`),
      dataInit: milliseconds(`${protocol}_data_init_timeout`),
      dataTransfer: milliseconds(`${protocol}_data_xfer_timeout`),
      dataDone: milliseconds(`${protocol}_data_done_timeout`),
      quit: milliseconds(`${protocol}_quit_timeout`),
      rset: milliseconds(`${protocol}_rset_timeout`),
    },
    tls,
    sasl,
    ehlo: greetingRule(protocol, settings),
    skips5xxGreeting: settings.flag(`${protocol}_skip_5xx_greeting`),
    discardedKeywords: (address) => tables.discardedKeywords(address),
    ...(tables.filtersReplies ? { filterReplyLine: (line: string) => tables.filteredReplyLine(line) } : {}),
    helloName: domainToASCII(hello) || hello,
    socketFolder: settings.text('queue_directory'),
    port: parsePort(settings.text(`${protocol}_tcp_port`)) || (protocol === 'smtp' ? 25 : 24),
    lineLengthLimit: settings.integer(`${protocol}_line_length_limit`),
    quotesEnvelope: settings.flag(`${protocol}_quote_rfc821_envelope`),
    ...(settings.flag('disable_mime_output_conversion') ? {} : { conversion: converterLimits(settings) }),
    addressLimit: settings.integer(`${protocol}_mx_address_limit`),
    sessionLimit: settings.integer(`${protocol}_mx_session_limit`),
    randomize: settings.flag(`${protocol}_randomize_addresses`),
    families: families(protocol, settings),
    prefers: ({ ipv4: 4, ipv6: 6 } as const)[settings.text(`${protocol}_address_preference`)],
    balances: settings.flag(`${protocol}_balance_inet_protocols`),
    ignoresMxFailure: settings.flag('ignore_mx_lookup_error'),
    defersWithoutAddress: settings.flag(`${protocol}_defer_if_no_mx_address_found`),
    useMx: !settings.flag('disable_dns_lookups'),
    bindAddress: { 4: settings.text(`${protocol}_bind_address`), 6: settings.text(`${protocol}_bind_address6`) },
    cache: {
      onDemand: settings.flag(`${protocol}_connection_cache_on_demand`),
      idleMilliseconds: settings.seconds(`${protocol}_connection_cache_time_limit`) * 1000,
      reuseCount: settings.integer(`${protocol}_connection_reuse_count_limit`),
      reuseMilliseconds: settings.seconds(`${protocol}_connection_reuse_time_limit`) * 1000,
      isAlwaysKept: (destination) => tables.isAlwaysKept(destination),
    },
    isKeptWithTls: settings.flag(`${protocol}_tls_connection_reuse`),
    skipsQuitResponse: settings.flag(`${protocol}_skip_quit_response`),
    fallback: settings.list(`${protocol}_fallback_relay`),
    isOwnAddress: (address) => own.has(address),
    hostname: settings.text('myhostname'),
    note: surroundings.note,
    warn: surroundings.warn,
  };
  return { options, problem };
}

function greetingRule(protocol: 'smtp' | 'lmtp', settings: Settings): ClientOptions['ehlo'] {
  if (protocol === 'lmtp') return 'always';
  if (settings.flag('smtp_never_send_ehlo')) return 'never';
  return settings.flag('smtp_always_send_ehlo') ? 'always' : 'offered';
}

function converterLimits(settings: Settings): ConverterLimits {
  return {
    nesting: settings.integer('mime_nesting_limit'),
    boundaryLength: settings.integer('mime_boundary_length_limit'),
    headerLength: settings.integer('header_size_limit'),
  };
}

type TimeoutName = Parameters<Settings['seconds']>[0];

/** inet_protocols, the preferred version first. */
function families(protocol: 'smtp' | 'lmtp', settings: Settings): (4 | 6)[] {
  const wanted = settings.list('inet_protocols');
  const all = wanted.length === 0 || wanted.includes('all');
  const preference = settings.text(`${protocol}_address_preference`);
  const order: (4 | 6)[] = preference === 'ipv6' ? [6, 4] : [4, 6];
  return order.filter((family) => all || wanted.includes(`ipv${family}`));
}

/** Loopback is no sign of ourselves: a relay on this machine is a usual next hop, on another port. */
function ownAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map(({ address }) => address));
}
