// One request to a webhook: signed, with little patience, and never into a private network: whoever may add a webhook must
// not reach through this server what only this server can reach (SSRF). The address that was checked is the one that is
// connected to; redirects are not followed.

import { createHmac } from 'node:crypto';
import { lookup } from 'node:dns';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { BlockList, isIP, type LookupFunction } from 'node:net';

const patienceMilliseconds = 10_000;

function privateNetworks(): BlockList {
  const list = new BlockList();
  // RFC 6890, and what is not for single hosts of the Internet.
  for (const [network, bits] of [
    ['0.0.0.0', 8],
    ['10.0.0.0', 8],
    ['100.64.0.0', 10],
    ['127.0.0.0', 8],
    ['169.254.0.0', 16],
    ['172.16.0.0', 12],
    ['192.0.0.0', 24],
    ['192.0.2.0', 24],
    ['192.168.0.0', 16],
    ['198.18.0.0', 15],
    ['198.51.100.0', 24],
    ['203.0.113.0', 24],
    ['224.0.0.0', 3],
  ] as const) {
    list.addSubnet(network, bits, 'ipv4');
  }
  for (const [network, bits] of [
    ['::', 96],
    ['64:ff9b::', 96],
    ['64:ff9b:1::', 48],
    ['100::', 64],
    ['2001::', 23],
    ['2001:db8::', 32],
    ['2002::', 16],
    ['fc00::', 7],
    ['fe80::', 10],
    ['fec0::', 10],
    ['ff00::', 8],
  ] as const) {
    list.addSubnet(network, bits, 'ipv6');
  }
  return list;
}

const blocked = privateNetworks();

export function isPrivateAddress(address: string): boolean {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return blocked.check(mapped, 'ipv4');
  return blocked.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
}

/** Why an address cannot be a webhook's; undefined where it can, as far as it says. */
export function urlRefusal(text: string, mayBePrivate: boolean): string | undefined {
  if (!URL.canParse(text)) return 'that is no URL: write it as https://example.com/path';
  const { protocol, hostname, username, password } = new URL(text);
  if (protocol !== 'https:' && !(mayBePrivate && protocol === 'http:')) return 'a webhook is an https:// URL';
  if (username !== '' || password !== '') return 'a webhook has no name and password in its URL: it is signed';
  const host = hostname.replace(/^\[|\]$/g, '');
  const isPrivate = isIP(host) === 0 ? /(?:^|\.)localhost$/i.test(host) : isPrivateAddress(host);
  return isPrivate && !mayBePrivate
    ? 'that is a private address: set posthaste_webhook_private_addresses = yes'
    : undefined;
}

const publicLookup: LookupFunction = (host, options, done) => {
  lookup(host, { ...options, all: true }, (error, addresses) => {
    const wrong = error === null && addresses.some(({ address }) => isPrivateAddress(address));
    if (error !== null || wrong) {
      done(error ?? new Error(`${host} leads to a private address`), []);
      return;
    }
    if (options.all) done(null, addresses);
    else done(null, addresses[0]?.address ?? '', addresses[0]?.family ?? 4);
  });
};

export interface WebhookRequest {
  readonly url: string;
  readonly secret: string;
  readonly body: string;
  readonly mayBePrivate: boolean;
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly version: string;
}

export function signature(secret: string, seconds: number, body: string): string {
  return `t=${seconds},v1=${createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex')}`;
}

/** Undefined: it has arrived; else why not. */
export async function sendWebhook(sent: WebhookRequest): Promise<string | undefined> {
  const { url, secret, body, mayBePrivate, now, version } = sent;
  const refusal = urlRefusal(url, mayBePrivate);
  if (refusal !== undefined) return refusal;
  const send = url.startsWith('https:') ? httpsRequest : httpRequest;
  return await new Promise((resolve) => {
    const request = send(url, {
      method: 'POST',
      agent: false,
      timeout: patienceMilliseconds,
      ...(mayBePrivate ? {} : { lookup: publicLookup }),
      headers: {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
        'user-agent': `posthaste/${version}`,
        'posthaste-signature': signature(secret, Math.floor(now / 1000), body),
      },
    });
    const timer = setTimeout(() => request.destroy(new Error('no answer in time')), patienceMilliseconds);
    request.on('response', (response) => {
      clearTimeout(timer);
      const { statusCode = 0 } = response;
      resolve(statusCode >= 200 && statusCode < 300 ? undefined : `answered ${statusCode}`);
      // What it says does not matter, and may never end.
      response.destroy();
    });
    request.on('error', (error) => {
      clearTimeout(timer);
      resolve(error.message.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, 200));
    });
    // Last of all; an answer of another protocol (101) ends the connection without a word, and nobody must wait for it for ever.
    request.on('close', () => {
      clearTimeout(timer);
      resolve('the connection ended without an answer');
    });
    request.end(body);
  });
}
