// What is said to an ACME server (RFC 8555 §7): account, order, authorization, certificate, and when it wants one to be
// renewed (RFC 9773). One step a method: the order of steps, and what is kept of them, is order-certificate.ts's.

import { X509Certificate } from 'node:crypto';
import { readIssue } from '../x509.ts';
import { AcmeConnection, AcmeError, describeProblem, parseJson } from './acme-connection.ts';
import { AccountKey, type ExternalAccount } from './signatures.ts';

export interface Directory {
  readonly newNonce: string;
  readonly newAccount: string;
  readonly newOrder: string;
  readonly renewalInfo: string | undefined;
  readonly termsOfService: string | undefined;
  readonly needsExternalAccount: boolean;
}

export interface Order {
  readonly url: string;
  readonly status: string;
  readonly authorizations: readonly string[];
  readonly finalize: string;
  readonly certificate: string | undefined;
  /** `: reason`, or ''. */
  readonly problem: string;
  readonly retryAfterSeconds: number | undefined;
}

export interface Challenge {
  readonly type: string;
  readonly url: string;
  readonly token: string;
}

export interface Authorization {
  readonly status: string;
  readonly challenges: readonly Challenge[];
  readonly problem: string;
  readonly retryAfterSeconds: number | undefined;
}

export interface RenewalInfo {
  readonly start: number;
  readonly end: number;
  readonly retryAfterSeconds: number | undefined;
}

export interface NewAccount {
  /** `mailto:` addresses. */
  readonly contact: readonly string[];
  readonly agreesToTerms: boolean;
  readonly external: ExternalAccount | undefined;
}

export class AcmeClient {
  readonly #connection: AcmeConnection;
  readonly #directoryUrl: string;
  readonly key: AccountKey;
  #directory: Directory | undefined;
  #accountUrl: string | undefined;

  constructor(connection: AcmeConnection, directoryUrl: string, keyPem: string, accountUrl: string | undefined) {
    this.#connection = connection;
    this.#directoryUrl = directoryUrl;
    this.key = new AccountKey(keyPem);
    this.#accountUrl = accountUrl;
  }

  async directory(): Promise<Directory> {
    if (this.#directory !== undefined) return this.#directory;
    const json = parseJson((await this.#connection.get(this.#directoryUrl)).text);
    const meta = (json['meta'] ?? {}) as Record<string, unknown>;
    this.#directory = {
      newNonce: url(json['newNonce'], 'newNonce'),
      newAccount: url(json['newAccount'], 'newAccount'),
      newOrder: url(json['newOrder'], 'newOrder'),
      renewalInfo: typeof json['renewalInfo'] === 'string' ? json['renewalInfo'] : undefined,
      termsOfService: typeof meta['termsOfService'] === 'string' ? meta['termsOfService'] : undefined,
      needsExternalAccount: meta['externalAccountRequired'] === true,
    };
    return this.#directory;
  }

  /** The account's URL; asks for one with the same key are answered with the account that there is (§7.3.1). */
  async register({ contact, agreesToTerms, external }: NewAccount): Promise<string> {
    const { newAccount, termsOfService, needsExternalAccount } = await this.directory();
    if (termsOfService !== undefined && !agreesToTerms) {
      throw new AcmeError(`read ${termsOfService}, and set posthaste_acme_terms_agreed = yes if you agree`, 'settings');
    }
    if (needsExternalAccount && external === undefined) {
      throw new AcmeError(
        'this authority wants an account of yours: set posthaste_acme_external_account_file',
        'settings',
      );
    }
    this.#accountUrl = undefined;
    const { location } = await this.#post(newAccount, {
      termsOfServiceAgreed: agreesToTerms,
      ...(contact.length === 0 ? {} : { contact }),
      ...(external === undefined ? {} : { externalAccountBinding: this.key.bind(external, newAccount) }),
    });
    this.#accountUrl = url(location, 'Location of the account');
    return this.#accountUrl;
  }

  async changeContact(contact: readonly string[]): Promise<void> {
    await this.#post(this.#accountUrl as string, { contact });
  }

  /** `replaces` is the certificate that this is to follow (RFC 9773 §5), `profile` one that the authority names. */
  async newOrder(host: string, replaces: string | undefined, profile: string): Promise<Order> {
    const { newOrder } = await this.directory();
    const order = {
      identifiers: [{ type: 'dns', value: host }],
      ...(replaces === undefined ? {} : { replaces }),
      ...(profile === '' ? {} : { profile }),
    };
    const { location, text } = await this.#post(newOrder, order);
    return readOrder(url(location, 'Location of the order'), text, undefined);
  }

  async order(orderUrl: string): Promise<Order> {
    const { text, retryAfterSeconds } = await this.#post(orderUrl, undefined);
    return readOrder(orderUrl, text, retryAfterSeconds);
  }

  async authorization(authorizationUrl: string): Promise<Authorization> {
    const { text, retryAfterSeconds } = await this.#post(authorizationUrl, undefined);
    const json = parseJson(text);
    const challenges = Array.isArray(json['challenges']) ? (json['challenges'] as Record<string, unknown>[]) : [];
    return {
      status: String(json['status']),
      challenges: challenges.flatMap(({ type, url: challengeUrl, token }) =>
        // A token becomes part of a path and of a certificate: nothing but what it may hold (§8.1).
        typeof type === 'string' && typeof challengeUrl === 'string' && /^[\w-]{16,256}$/.test(String(token))
          ? [{ type, url: challengeUrl, token: String(token) }]
          : [],
      ),
      problem: challenges.map(({ error }) => describeProblem(error)).find((text) => text !== '') ?? '',
      retryAfterSeconds,
    };
  }

  /** The server may look now. */
  async answer(challenge: Challenge): Promise<void> {
    await this.#post(challenge.url, {});
  }

  async finalize(order: Order, request: Buffer): Promise<void> {
    await this.#post(order.finalize, { csr: request.toString('base64url') });
  }

  /** PEM. */
  async certificate(certificateUrl: string): Promise<string> {
    return (await this.#post(certificateUrl, undefined)).text;
  }

  /** Undefined where the server does not say when to renew. */
  async renewalInfo(certificate: X509Certificate): Promise<RenewalInfo | undefined> {
    const { renewalInfo } = await this.directory();
    const id = certificateId(certificate);
    if (renewalInfo === undefined || id === undefined) return undefined;
    const { text, retryAfterSeconds } = await this.#connection.get(`${renewalInfo.replace(/\/$/, '')}/${id}`);
    const window = parseJson(text)['suggestedWindow'] as { start?: unknown; end?: unknown } | undefined;
    const [start, end] = [Date.parse(String(window?.start)), Date.parse(String(window?.end))];
    if (!(start < end)) throw new AcmeError('renewal information without a window');
    return { start, end, retryAfterSeconds };
  }

  async #post(target: string, payload: object | undefined) {
    const { newNonce } = await this.directory();
    return await this.#connection.post(target, newNonce, { key: this.key, accountUrl: this.#accountUrl }, payload);
  }
}

/** RFC 9773 §4.1; undefined for a certificate that does not name its issuer's key. */
export function certificateId(certificate: X509Certificate): string | undefined {
  const issue = readIssue(certificate.raw);
  return issue && `${issue.keyIdentifier.toString('base64url')}.${issue.serial.toString('base64url')}`;
}

function readOrder(orderUrl: string, text: string, retryAfterSeconds: number | undefined): Order {
  const json = parseJson(text);
  const authorizations = Array.isArray(json['authorizations']) ? json['authorizations'].map(String) : [];
  return {
    url: orderUrl,
    status: String(json['status']),
    authorizations,
    finalize: url(json['finalize'], 'finalize'),
    certificate: typeof json['certificate'] === 'string' ? json['certificate'] : undefined,
    problem: describeProblem(json['error']),
    retryAfterSeconds,
  };
}

function url(value: unknown, what: string): string {
  if (typeof value === 'string' && /^https:\/\//i.test(value)) return value;
  throw new AcmeError(`the server's answer has no ${what}`, 'unreachable');
}
