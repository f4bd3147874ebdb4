// Rows of smtp_tls_policy_maps, their keys, versions and ciphers. smtp-client-postfix.test.ts compares mistakes with smtp(8).

import { describe, expect, test } from 'vitest';
import { policyKeys, tlsPolicy, type TlsParameters } from './tls-policy.ts';
import { cipherList, parseVersions } from './tls-versions.ts';

const parameters: TlsParameters = {
  level: 'may',
  protocols: '>=TLSv1',
  mandatoryProtocols: '>=TLSv1.3',
  ciphers: 'medium',
  mandatoryCiphers: 'high',
  excluded: ['RC4'],
  mandatoryExcluded: ['3DES, MD5'],
  cipherLists: { high: 'HIGH', medium: 'MEDIUM', null: 'eNULL' },
  verifyMatch: ['hostname'],
  secureMatch: ['nexthop', 'dot-nexthop'],
  fingerprints: ['AA:BB'],
  serverName: '',
  anchors: ['/usual.pem'],
  reusesConnection: false,
  isWrapped: false,
  prefix: 'smtp',
};

test('the keys are the next hop, and the parents of a domain', () => {
  expect(policyKeys('mx.a.example')).toEqual(['mx.a.example', '.a.example', '.example']);
  expect(policyKeys('[mx.a.example]:587')).toEqual(['[mx.a.example]:587']);
  expect(policyKeys('a.example:26')).toEqual(['a.example:26']);
  expect(policyKeys('192.0.2.1')).toEqual(['192.0.2.1']);
  expect(policyKeys('/run/lmtp')).toEqual(['/run/lmtp']);
});

test('parameters hold where a row says nothing', () => {
  expect(tlsPolicy(parameters)).toMatchObject({
    level: 'may',
    minVersion: 'TLSv1.2',
    maxVersion: 'TLSv1.3',
    ciphers: 'MEDIUM:!RC4:@SECLEVEL=0',
    match: [],
    anchors: [],
  });
  expect(tlsPolicy(parameters, 'encrypt')).toMatchObject({
    minVersion: 'TLSv1.3',
    ciphers: 'HIGH:!RC4:!3DES:!MD5:!eNULL:@SECLEVEL=0',
  });
  expect(tlsPolicy(parameters, 'secure')).toMatchObject({
    match: ['nexthop', 'dot-nexthop'],
    anchors: ['/usual.pem'],
    ciphers: 'HIGH:!RC4:!3DES:!MD5:!aNULL',
  });
  expect(tlsPolicy(parameters, 'fingerprint')).toMatchObject({ match: ['AA:BB'] });
});

test('a row takes their place', () => {
  const row =
    'Secure, match=a.example:.b.example match=c.example tafile=/one tafile=/two exclude=AES:RC4 ciphers=medium';
  expect(tlsPolicy(parameters, `${row} protocols=TLSv1.2 servername=hostname connection_reuse=yes`)).toEqual({
    level: 'secure',
    minVersion: 'TLSv1.2',
    maxVersion: 'TLSv1.2',
    ciphers: 'MEDIUM:!AES:!RC4:!aNULL',
    match: ['a.example', '.b.example', 'c.example'],
    serverName: 'hostname',
    anchors: ['/one', '/two'],
    reusesConnection: true,
  });
  expect(tlsPolicy(parameters, 'fingerprint match=AA:BB|CC:DD match=EE:FF').match).toEqual(['AA:BB', 'CC:DD', 'EE:FF']);
  expect(tlsPolicy(parameters, 'none match=x').level).toBe('none');
});

test.each([
  ['verify tafile=', 'empty value'],
  ['verify match=', 'empty value'],
  ['encrypt tafile=/x', 'invalid at security level "encrypt"'],
  ['encrypt connection_reuse=maybe', 'bad value'],
  ['encrypt protocols=SSLv3', 'Invalid TLS protocol list'],
  ['encrypt exclude=!RC4', 'exclusion'],
  ['dane', 'is not supported yet'],
])('%s is a mistake', (row, why) => {
  expect(() => tlsPolicy(parameters, row, 'here')).toThrow(why);
});

describe('versions', () => {
  test.each([
    ['', 'TLSv1.2', 'TLSv1.3'],
    ['>=TLSv1', 'TLSv1.2', 'TLSv1.3'],
    ['>=TLSv1.3', 'TLSv1.3', 'TLSv1.3'],
    ['>=TLSv1, <=TLSv1.2', 'TLSv1.2', 'TLSv1.2'],
    ['!SSLv2, !SSLv3, !TLSv1', 'TLSv1.2', 'TLSv1.3'],
    ['!TLSv1.3', 'TLSv1.2', 'TLSv1.2'],
    ['TLSv1:TLSv1.2', 'TLSv1.2', 'TLSv1.2'],
    ['>=0x0304', 'TLSv1.3', 'TLSv1.3'],
    ['>= <=', 'TLSv1.2', 'TLSv1.3'],
  ])('%j', (list, minVersion, maxVersion) => {
    expect(parseVersions(list)).toEqual({ minVersion, maxVersion });
  });
  test.each(['TLSv1', '<=TLSv1.1', 'TLSv1.4', '>=0x0999', 'constructor'])('%j leaves nothing', (list) => {
    expect(parseVersions(list)).toBeUndefined();
  });
});

test('ciphers', () => {
  expect(cipherList('HIGH', { high: 'H' }, ['a b', 'c+d'])).toBe('H:!a:!b:!c+d');
  expect(cipherList('strong', { high: 'H' }, [])).toBeUndefined();
  expect(cipherList('high', { high: 'H' }, ['+x'])).toBeUndefined();
  expect(cipherList('constructor', {}, [])).toBeUndefined();
});
