// Client options for tests: plain SMTP, short time limits, nothing shuffled.

import { clientTls } from '../../src/delivery/smtp-tls.ts';
import { ZoneResolver } from '../../src/dns/zone-resolver.ts';
import { type Clock, systemClock } from '../../src/lib/clock.ts';
import { TemporaryError } from '../../src/lib/temporary-error.ts';
import { ClientTables } from '../../src/routing/client-tables.ts';
import type { Decision } from '../../src/routing/decision.ts';
import { Settings } from '../../src/settings/settings.ts';
import type { ClientTls } from '../../src/smtp-client/security.ts';
import { openInlineTable } from '../../src/tables/inline-table.ts';
import type { Table } from '../../src/tables/table.ts';
import type { TlsLog } from '../../src/tls/watched-files.ts';
import type { ClientOptions } from '../../src/smtp-client/types.ts';

export type TestOverrides = Partial<Omit<ClientOptions, 'tls'>> & {
  /** A level alone means that level with Postfix's defaults. */
  readonly tls?: string | ClientTls;
  /** Milliseconds for each step of a session; absent: a second. */
  readonly patience?: number;
};

function openTestTable(name: string): Table {
  if (name.startsWith('inline:')) return openInlineTable(name.slice('inline:'.length));
  const isFailing = name.startsWith('fail:');
  return {
    name,
    kind: 'fixed',
    lookup: async () => {
      if (isFailing) throw new TemporaryError(`table ${name}: lookup error`);
      return { kind: 'found', value: name.slice('static:'.length) };
    },
  };
}

/** The tables that these parameters name, of types `inline:`, `static:` and `fail:`. */
export function testTables(settings: Settings, protocol: 'smtp' | 'lmtp'): ClientTables {
  const registry = { open: openTestTable };
  const revisions = { revision: () => 0 };
  const extensions = { delimiters: '+', ownerRequestSpecial: true, doubleBounceSender: 'double-bounce' };
  const search = (asker: Decision) => ({ asker, stage: 'test', extensions, isLocal: () => false });
  return new ClientTables({ settings, registry, warn: () => undefined, protocol, revisions, search });
}

/** The rules of TLS that these parameters make. */
export function testTls(values: Readonly<Record<string, string>>, parts: Partial<TlsParts> = {}): ClientTls {
  const settings = Settings.defaults({ compatibility_level: '3.6', ...values });
  return clientTls('smtp', settings, testTables(settings, 'smtp'), { clock: systemClock, log: silent, ...parts }).tls;
}

interface TlsParts {
  readonly clock: Clock;
  readonly log: TlsLog;
}

const silent: TlsLog = { info: () => undefined, warning: () => undefined };

export function testOptions({ tls = 'none', patience = 10_000, ...overrides }: TestOverrides = {}): ClientOptions {
  return {
    protocol: 'smtp',
    resolver: new ZoneResolver(''),
    clock: systemClock,
    timeouts: {
      connect: patience,
      helo: patience,
      startTls: patience,
      mail: patience,
      rcpt: patience,
      dataInit: patience,
      dataTransfer: patience,
      dataDone: patience,
      quit: patience,
      rset: patience,
    },
    tls: typeof tls === 'string' ? testTls({ smtp_tls_security_level: tls }) : tls,
    ehlo: 'always',
    skips5xxGreeting: true,
    discardedKeywords: async () => new Set(),
    helloName: 'client.example',
    port: 25,
    lineLengthLimit: 998,
    addressLimit: 5,
    sessionLimit: 2,
    randomize: false,
    families: [4, 6],
    prefers: undefined,
    balances: true,
    ignoresMxFailure: false,
    defersWithoutAddress: false,
    useMx: true,
    bindAddress: { 4: '', 6: '' },
    quotesEnvelope: true,
    isKeptWithTls: false,
    skipsQuitResponse: false,
    fallback: [],
    isOwnAddress: () => false,
    hostname: 'client.example',
    ...overrides,
  };
}
