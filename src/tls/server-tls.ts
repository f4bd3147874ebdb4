// TLS of one service, or of several with the same settings: what is offered in a handshake, with which certificate, and
// what came of it. Contexts are made once for each chain and shared by all connections; sessions are resumed by tickets,
// so that nothing is kept of a connection that has ended. The keys of tickets live as long as a context does, and a
// context no longer than a ticket may be used.
// TLS 1.2 is the oldest version spoken (RFC 8996), whatever smtpd_tls_protocols allows beyond that.

import { constants } from 'node:crypto';
import {
  createSecureContext,
  type SecureContext,
  type SecureVersion,
  type TLSSocket,
  type TLSSocketOptions,
} from 'node:tls';
import type { Clock } from '../lib/clock.ts';
import type { Chain } from './chains.ts';
import { type ClientCertificate, type ClientCertificateOptions, clientCertificate } from './client-certificate.ts';
import type { Source } from './watched-files.ts';

/** What a service offers. */
export interface TlsOffer {
  readonly minVersion: SecureVersion;
  readonly maxVersion: SecureVersion;
  /** In OpenSSL's notation. */
  readonly ciphers: string;
  /** Groups for the key exchange, `X25519:prime256v1`. */
  readonly curves: string;
  /** The server's order of ciphers counts (tls_preempt_cipherlist). */
  readonly prefersOwnOrder: boolean;
  /** PEM, `auto`, or '' for no DHE. */
  readonly dhParameters: string;
  /** Of OpenSSL (tls_ssl_options). */
  readonly secureOptions: number;
  /** How long a session can be resumed; 0: not at all. */
  readonly sessionSeconds: number;
}

/** Clients are asked for a certificate. */
export interface ClientAuthentication extends ClientCertificateOptions {
  /** PEM texts of the authorities that are believed. */
  readonly authorities: Source<readonly string[]>;
}

/** Certificates by the name that a client asks for (RFC 6066 §3). */
export interface ServerNames {
  readonly isEmpty: boolean;
  /** Names that lead to none are logged. */
  readonly logsUnmatched: boolean;
  /** Undefined: the usual certificate. Throws where that cannot be told; then there is no handshake. */
  find(name: string): Promise<readonly Chain[] | undefined>;
}

export interface ServerTlsParts {
  readonly offer: TlsOffer;
  readonly chains: Source<readonly Chain[]>;
  readonly names?: ServerNames;
  readonly clients?: ClientAuthentication | undefined;
  readonly clock: Clock;
}

export interface TlsDetails {
  readonly protocol: string;
  readonly cipher: string;
  readonly bits: number;
  /** An earlier session's keys are used again. */
  readonly isResumed?: boolean;
  /** The name that it asked for, where there is a certificate of its own for that. */
  readonly serverName?: string | undefined;
  /** Clients are asked for a certificate here. */
  readonly asksCertificate?: boolean;
  readonly certificate?: ClientCertificate | undefined;
}

/** Hears of the name that a client asks for. */
export interface HandshakeLog {
  unmatched(name: string): void;
  invalid(name: string): void;
  failed(name: string, problem: string): void;
}

/** One handshake. */
export interface ServerHandshake {
  readonly socketOptions: TLSSocketOptions;
  /** When it is over. */
  describe(socket: TLSSocket): TlsDetails;
}

interface Made {
  readonly context: SecureContext;
  readonly at: number;
  readonly authorities: readonly string[];
}

/** A server with very many names must not fill the memory: a context takes some 35 KB, and is made in a millisecond. */
const maxContexts = 500;
const oneHour = 3_600_000;
const noAuthorities: readonly string[] = [];

export class ServerTls {
  readonly #parts: ServerTlsParts;
  /** By what they were made from; the least recently used first. */
  readonly #contexts = new Map<object, Made>();

  /** Throws where the settings do not make a context. */
  constructor(parts: ServerTlsParts) {
    this.#parts = parts;
    this.#context(parts.chains.current(), parts.chains.current());
  }

  handshake(log?: HandshakeLog): ServerHandshake {
    const { chains, names, clients } = this.#parts;
    const current = chains.current();
    let serverName: string | undefined;
    const socketOptions: TLSSocketOptions = {
      isServer: true,
      secureContext: this.#context(current, current),
      ...(clients === undefined ? {} : { requestCert: true, rejectUnauthorized: false }),
    };
    if (names !== undefined && !names.isEmpty) {
      const select = async (name: string, algorithms: readonly string[]) => {
        const chain = await this.#chainFor(name, algorithms, names, log);
        if (chain === undefined) return undefined;
        serverName = name;
        return this.#context(chain, [chain]);
      };
      socketOptions.SNICallback = function (this: TLSSocket, name, done) {
        select(name, this.getSharedSigalgs()).then(
          (context) => done(null, context),
          (error: Error) => {
            log?.failed(name, error.message);
            done(error);
          },
        );
      };
    }
    return {
      socketOptions,
      describe: (socket) => ({
        ...describeCipher(socket),
        isResumed: socket.isSessionReused(),
        serverName,
        asksCertificate: clients !== undefined,
        certificate: clients && clientCertificate(socket, clients),
      }),
    };
  }

  /** Undefined: the usual certificate. */
  async #chainFor(
    name: string,
    algorithms: readonly string[],
    names: ServerNames,
    log: HandshakeLog | undefined,
  ): Promise<Chain | undefined> {
    if (!isHostName(name)) {
      log?.invalid(name);
      return undefined;
    }
    const chains = await names.find(name.toLowerCase());
    if (chains !== undefined) return fittingChain(chains, algorithms);
    if (names.logsUnmatched) log?.unmatched(name);
    return undefined;
  }

  #context(key: object, chains: readonly Chain[]): SecureContext {
    const { offer, clients, clock } = this.#parts;
    const authorities = clients?.authorities.current() ?? noAuthorities;
    const now = clock.monotonic();
    const known = this.#contexts.get(key);
    const maxAge = Math.max(oneHour, offer.sessionSeconds * 1000);
    if (known !== undefined && known.authorities === authorities && now - known.at < maxAge) return known.context;
    const context = makeContext(offer, chains, authorities, clients !== undefined);
    this.#contexts.delete(key);
    this.#contexts.set(key, { context, at: now, authorities });
    if (this.#contexts.size > maxContexts) this.#contexts.delete(this.#contexts.keys().next().value as object);
    return context;
  }
}

function makeContext(
  offer: TlsOffer,
  chains: readonly Chain[],
  authorities: readonly string[],
  asksCertificate: boolean,
): SecureContext {
  // Renegotiation is a way to make the server work (RFC 5746 is no help against that).
  let secureOptions = offer.secureOptions | constants.SSL_OP_NO_RENEGOTIATION;
  // A resumed session would bring its verdict on the certificate along, without the chain that it was made from.
  if (offer.sessionSeconds === 0 || asksCertificate) secureOptions |= constants.SSL_OP_NO_TICKET;
  return createSecureContext({
    key: chains.map(({ key }) => key),
    cert: chains.map(({ certificates }) => certificates),
    ca: [...authorities],
    minVersion: offer.minVersion,
    maxVersion: offer.maxVersion,
    ciphers: offer.ciphers,
    ecdhCurve: offer.curves,
    honorCipherOrder: offer.prefersOwnOrder,
    ...(offer.dhParameters === '' ? {} : { dhparam: offer.dhParameters }),
    secureOptions,
    sessionTimeout: Math.max(1, offer.sessionSeconds),
    sessionIdContext: 'posthaste',
  });
}

/** Node takes one chain for a name: the first that fits what the client can verify, ECDSA before RSA. */
function fittingChain(chains: readonly Chain[], algorithms: readonly string[]): Chain {
  const can = (word: string) => algorithms.length === 0 || algorithms.some((one) => one.startsWith(word));
  const byType = (type: string) => chains.find((chain) => chain.type === type);
  const chain = (can('ECDSA') ? byType('ec') : undefined) ?? (can('RSA') ? byType('rsa') : undefined) ?? chains[0];
  return chain as Chain;
}

function describeCipher(socket: TLSSocket): Pick<TlsDetails, 'protocol' | 'cipher' | 'bits'> {
  const { standardName, name } = socket.getCipher();
  const cipher = /^TLS_(?:AES|CHACHA)/.test(standardName) ? standardName : name;
  return {
    protocol: socket.getProtocol() ?? 'TLS',
    cipher,
    bits: /AES_?256|CHACHA20|CAMELLIA_?256|ARIA_?256/i.test(cipher) ? 256 : 128,
  };
}

function isHostName(text: string): boolean {
  return text.length <= 255 && /^[a-z0-9_](?:[a-z0-9_-]{0,62})(?:\.[a-z0-9_][a-z0-9_-]{0,62})*$/i.test(text);
}
