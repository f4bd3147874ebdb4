// Which hosts a destination has, over a zone: MX order, null MX, names that do not exist, loops.

import { describe, expect, test } from 'vitest';
import { ZoneResolver } from '../dns/zone-resolver.ts';
import { TemporaryError } from '../lib/temporary-error.ts';
import { findHosts } from './hosts.ts';
import { testOptions } from '../../test/queue/client-options.ts';
import { ClientFailure, type ClientOptions } from './types.ts';

const zone = `
good.example      MX 20 backup.good.example
good.example      MX 10 mx1.good.example
good.example      MX 10 mx2.good.example
mx1.good.example  A 192.0.2.1
mx1.good.example  AAAA 2001:db8::1
mx2.good.example  A 192.0.2.2
backup.good.example A 192.0.2.9
plain.example     A 192.0.2.3
null.example      MX 0 .
empty.example     TXT nothing
silent.example    FAIL
half.example      MX 10 silent.example
half.example      MX 20 mx1.good.example
dangling.example  MX 10 nowhere.example
stuck.example     MX 10 nowhere.example
stuck.example     MX 20 silent.example
`;

async function find(host: string, overrides: Partial<ClientOptions> = {}, useMx = true, port?: number) {
  const options = testOptions({ resolver: new ZoneResolver(zone), ...overrides });
  try {
    const hosts = await findHosts({ kind: 'inet', host, port, useMx }, options);
    return hosts.map(({ name, address }) => `${name}[${address}]`);
  } catch (error) {
    if (error instanceof ClientFailure) return `${error.outcome.kind} ${error.outcome.status} ${error.outcome.reason}`;
    throw error;
  }
}

describe('hosts of a destination', () => {
  test('by MX in order of preference, equals shuffled', async () => {
    const orders = new Set<string>();
    for (let count = 0; count < 60; count++) {
      const hosts = await find('good.example', { randomize: true, addressLimit: 0 });
      expect(hosts.at(-1)).toBe('backup.good.example[192.0.2.9]');
      orders.add(String(hosts[0]).replace(/\[.*/, ''));
    }
    expect([...orders].toSorted()).toEqual(['mx1.good.example', 'mx2.good.example']);
  });

  test('without MX records by address, or as told', async () => {
    expect(await find('plain.example')).toEqual(['plain.example[192.0.2.3]']);
    expect(await find('mx1.good.example', {}, false)).toEqual([
      'mx1.good.example[192.0.2.1]',
      'mx1.good.example[2001:db8::1]',
    ]);
    expect(await find('mx1.good.example', { families: [6] }, false)).toEqual(['mx1.good.example[2001:db8::1]']);
    expect(await find('192.0.2.77', {}, false)).toEqual(['192.0.2.77[192.0.2.77]']);
  });

  test('with the IP version first that is preferred', async () => {
    for (let count = 0; count < 20; count++) {
      const hosts = await find('mx1.good.example', { randomize: true, prefers: 6 }, false);
      expect(hosts[0]).toBe('mx1.good.example[2001:db8::1]');
    }
  });

  test.each<[number, number, Partial<ClientOptions>, number]>([
    [6, 1, {}, 1],
    [1, 6, {}, 4],
    [6, 6, {}, 2],
    [6, 6, { prefers: 6 }, 3],
    [2, 2, {}, 2],
    [6, 6, { balances: false }, 0],
  ])('%i IPv4 and %i IPv6 addresses, %o: %i IPv6 among those that are tried', async (four, six, overrides, sixes) => {
    const fours = Array.from({ length: four }, (_, index) => `both.example A 192.0.2.${index + 1}`);
    const rows = [...fours, ...Array.from({ length: six }, (_, index) => `both.example AAAA 2001:db8::${index + 1}`)];
    const tried = await find('both.example', { resolver: new ZoneResolver(rows.join('\n')), ...overrides }, false);
    if (!Array.isArray(tried)) throw new Error(tried);
    expect(tried.slice(0, 5).filter((host) => host.includes('::')).length).toBe(sixes);
  });

  test('after an MX question without an answer, if that is to be ignored', async () => {
    expect(await find('silent.example', { ignoresMxFailure: true })).toMatch(/^deferred 4\.4\.3/);
    const resolver = new ZoneResolver('plain.example A 192.0.2.3');
    resolver.mx = async () => {
      throw new TemporaryError('no answer');
    };
    expect(await find('plain.example', { resolver })).toMatch(/^deferred 4\.4\.3/);
    expect(await find('plain.example', { resolver, ignoresMxFailure: true })).toEqual(['plain.example[192.0.2.3]']);
  });

  test('without any address for its MX hosts come back, or wait', async () => {
    expect(await find('dangling.example')).toMatch(/^bounced 5\.4\.4/);
    expect(await find('dangling.example', { defersWithoutAddress: true })).toMatch(/^deferred 4\.4\.4/);
    expect(await find('nowhere.example', { defersWithoutAddress: true })).toMatch(/^bounced 5\.4\.4/);
  });

  test('one silent MX host does not hide the others', async () => {
    expect(await find('half.example')).toEqual(['mx1.good.example[192.0.2.1]', 'mx1.good.example[2001:db8::1]']);
  });

  test.each([
    ['null.example', 'bounced 5.1.0 Domain null.example does not accept mail (nullMX)'],
    [
      'gone.example',
      'bounced 5.4.4 Host or domain name not found. Name service error for name=gone.example type=MX: Host not found',
    ],
    [
      'empty.example',
      'bounced 5.4.4 Host or domain name not found. Name service error for name=empty.example type=A: ' +
        'Host found but no data record of requested type',
    ],
    [
      'dangling.example',
      'bounced 5.4.4 Host or domain name not found. Name service error for name=nowhere.example type=A: Host not found',
    ],
    [
      'silent.example',
      'deferred 4.4.3 Host or domain name not found. Name service error for name=silent.example type=MX: ' +
        'Host not found, try again',
    ],
    [
      'stuck.example',
      'deferred 4.4.3 Host or domain name not found. Name service error for name=silent.example type=A: ' +
        'Host not found, try again',
    ],
  ])('%s: %s', async (domain, outcome) => {
    expect(await find(domain)).toBe(outcome);
  });
});

describe('where we are a mail exchanger ourselves', () => {
  test('only better ones are tried', async () => {
    const own = { isOwnAddress: (address: string) => address === '192.0.2.9' };
    expect(await find('good.example', own)).not.toContain('backup.good.example[192.0.2.9]');
    expect(await find('good.example', own)).toHaveLength(3);
  });

  test('as the best one, mail loops back', async () => {
    const own = { isOwnAddress: (address: string) => address === '192.0.2.2' };
    expect(await find('good.example', own)).toBe('bounced 5.4.6 mail for good.example loops back to myself');
    expect(await find('good.example', own, true, 2525)).toHaveLength(4);
  });
});
