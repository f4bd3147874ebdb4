// One certificate from an ACME server (RFC 8555 §7.4): an order, the proof that the host is ours, the signing request,
// the chain. The order's URL and its key are kept before the next step is taken, so that an attempt that was cut short
// goes on with the same order and does not count as another one at the authority.

import { X509Certificate } from 'node:crypto';
import { parseChains } from '../chains.ts';
import { pemBlocks } from '../pem.ts';
import { type AcmeClient, type Authorization, certificateId, type Order } from './acme-client.ts';
import { AcmeError } from './acme-connection.ts';
import type { CertificateFiles } from './certificate-files.ts';
import { certificateRequest } from './request-certificate.ts';

/** Shows an authority that a host is ours. */
export interface ChallengeResponder {
  readonly type: 'http-01' | 'tls-alpn-01';
  /** From here on the answer is there; what it gives takes it away again. */
  offer(host: string, token: string, keyAuthorization: string): Promise<() => void>;
}

export interface OrderParts {
  readonly client: AcmeClient;
  readonly files: CertificateFiles;
  /** The preferred one first. */
  readonly responders: readonly ChallengeResponder[];
  readonly profile: string;
  /** An order that was begun before. */
  readonly orderUrl: string | undefined;
  readonly keepOrder: (url: string | undefined) => Promise<void>;
  readonly wait: (seconds: number) => Promise<void>;
}

/** Authorities look within seconds; a busy one says itself how long to wait. */
const maxWaits = 20;
const maxWaitSeconds = 60;

/** The new chain is installed when this resolves. */
export async function orderCertificate(host: string, parts: OrderParts): Promise<void> {
  const { client, files, keepOrder } = parts;
  let order = await openOrder(host, parts);
  if (order.status === 'pending') {
    for (const url of order.authorizations) await authorize(host, url, parts);
    order = await waitWhile(order, ['pending'], parts);
  }
  const key = await files.nextKey(host, false);
  if (order.status === 'ready') {
    await client.finalize(order, certificateRequest(host, key));
    order = await waitWhile(await client.order(order.url), ['ready', 'processing'], parts);
  }
  if (order.status !== 'valid' || order.certificate === undefined) {
    await keepOrder(undefined);
    throw new AcmeError(`the order is ${order.status}${order.problem}`);
  }
  const chain = onlyCertificates(await client.certificate(order.certificate));
  try {
    check(host, key, chain);
  } catch (error) {
    await keepOrder(undefined);
    throw error;
  }
  await files.install(host, key, chain);
  await keepOrder(undefined);
}

async function openOrder(host: string, parts: OrderParts): Promise<Order> {
  const { client, files, profile, orderUrl, keepOrder } = parts;
  if (orderUrl !== undefined) {
    try {
      const order = await client.order(orderUrl);
      if (order.status !== 'invalid') return order;
    } catch (error) {
      // One that is no longer there is not asked for again.
      if (!(error instanceof AcmeError) || error.status < 400 || error.status >= 500 || error.type === 'rateLimited') {
        throw error;
      }
    }
    await keepOrder(undefined);
  }
  await files.nextKey(host, true);
  const order = await newOrder(host, client, await previousId(host, parts), profile);
  await keepOrder(order.url);
  return order;
}

async function newOrder(host: string, client: AcmeClient, replaces: string | undefined, profile: string) {
  try {
    return await client.newOrder(host, replaces, profile);
  } catch (error) {
    // RFC 9773 §5: it may know nothing of that certificate, or think it replaced already.
    const mayBeReplaces = error instanceof AcmeError && ['alreadyReplaced', 'malformed'].includes(error.type);
    if (replaces === undefined || !mayBeReplaces) throw error;
    return await client.newOrder(host, undefined, profile);
  }
}

/** Of the certificate that is in use, for authorities that take it. */
async function previousId(host: string, { client, files }: OrderParts): Promise<string | undefined> {
  const { renewalInfo } = await client.directory();
  const text = renewalInfo === undefined ? undefined : await files.installed(host);
  const certificate = text && pemBlocks(text).find(({ label }) => label === 'CERTIFICATE')?.text;
  return certificate ? certificateId(new X509Certificate(certificate)) : undefined;
}

async function authorize(host: string, url: string, parts: OrderParts): Promise<void> {
  const { client, responders, keepOrder, wait } = parts;
  let authorization = await client.authorization(url);
  if (authorization.status === 'valid') return;
  const responder = responders.find(({ type }) => authorization.challenges.some((one) => one.type === type));
  const challenge = authorization.challenges.find(({ type }) => type === responder?.type);
  if (responder === undefined || challenge === undefined) {
    const offered = authorization.challenges.map(({ type }) => type).join(', ') || 'none';
    throw new AcmeError(`the authority offers no challenge that a listener here could answer (it offers: ${offered})`);
  }
  const withdraw = await responder.offer(host, challenge.token, client.key.keyAuthorization(challenge.token));
  try {
    if (authorization.status === 'pending') await client.answer(challenge);
    for (let count = 0; count < maxWaits; count++) {
      authorization = await client.authorization(url);
      if (authorization.status !== 'pending') break;
      await wait(pollSeconds(authorization, count));
    }
  } finally {
    withdraw();
  }
  if (authorization.status === 'valid') return;
  // While it is pending the order may still come to something.
  if (authorization.status !== 'pending') await keepOrder(undefined);
  throw new AcmeError(`${challenge.type}: the authorization is ${authorization.status}${authorization.problem}`);
}

async function waitWhile(first: Order, statuses: readonly string[], { client, wait }: OrderParts): Promise<Order> {
  let order = first;
  for (let count = 0; count < maxWaits && statuses.includes(order.status); count++) {
    if (count > 0) await wait(pollSeconds(order, count));
    order = await client.order(order.url);
  }
  if (statuses.includes(order.status)) throw new AcmeError(`the order is still ${order.status}`);
  return order;
}

function pollSeconds({ retryAfterSeconds }: Pick<Authorization, 'retryAfterSeconds'>, count: number): number {
  return Math.min(maxWaitSeconds, Math.max(1, retryAfterSeconds ?? 2 ** Math.min(count, 4)));
}

/** Nothing else of an authority's answer gets into our files. */
function onlyCertificates(text: string): string {
  return pemBlocks(text)
    .filter(({ label }) => label === 'CERTIFICATE')
    .map((block) => block.text)
    .join('');
}

function check(host: string, key: string, chain: string): void {
  const [issued] = parseChains(pemBlocks(key + chain), 'the certificate that was issued');
  if (issued !== undefined && new X509Certificate(issued.certificates).checkHost(host) === undefined) {
    throw new AcmeError(`the certificate that was issued does not name ${host}`);
  }
}
