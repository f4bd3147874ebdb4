// Client options for tests: plain SMTP, short time limits, nothing shuffled.

import { ZoneResolver } from '../../src/dns/zone-resolver.ts';
import { systemClock } from '../../src/lib/clock.ts';
import type { ClientOptions } from '../../src/smtp-client/types.ts';

export function testOptions(overrides: Partial<ClientOptions> = {}): ClientOptions {
  const second = 1000;
  return {
    protocol: 'smtp',
    resolver: new ZoneResolver(''),
    clock: systemClock,
    timeouts: {
      connect: second,
      helo: second,
      startTls: second,
      mail: second,
      rcpt: second,
      dataInit: second,
      dataTransfer: second,
      dataDone: second,
      quit: second,
    },
    tls: 'none',
    helloName: 'client.example',
    port: 25,
    lineLengthLimit: 998,
    addressLimit: 5,
    sessionLimit: 2,
    randomize: false,
    families: [4, 6],
    useMx: true,
    bindAddress: { 4: '', 6: '' },
    fallback: [],
    isOwnAddress: () => false,
    hostname: 'client.example',
    ...overrides,
  };
}
