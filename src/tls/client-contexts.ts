// What the SMTP and LMTP clients bring to a handshake: their own certificates and the authorities that they believe.
// Files are read when a transport is made, while the server may still be root, and looked at again every few seconds: one
// that was renewed is used at the next handshake, one that cannot be read leaves what was read before in force.
// Until they could be read once there is no TLS: whoever needs it must not send, as with smtp(8).

import { readFileSync, statSync } from 'node:fs';
import { createSecureContext, type SecureContext, type SecureVersion } from 'node:tls';
import type { Clock } from '../lib/clock.ts';
import { readAuthorities, readCertificates, systemAuthorities } from './authorities.ts';
import { keysAndChains, pemBlocks } from './pem.ts';
import { describeFile, type TlsLog } from './watched-files.ts';

export interface ClientFiles {
  /** Pairs of certificate and key file (smtp_tls_cert_file, smtp_tls_eccert_file); '' for unset. */
  readonly pairs: readonly (readonly [certificate: string, key: string])[];
  /** smtp_tls_chain_files: each a key with its certificates. Wins over the pairs. */
  readonly chainFiles: readonly string[];
  /** Authorities: one file, and a folder with hashed names as c_rehash(1) makes them. */
  readonly caFile: string;
  readonly caPath: string;
  /** tls_append_default_CA: the system's authorities too. */
  readonly appendsSystem: boolean;
}

/** One kind of handshake. */
export interface HandshakeKind {
  readonly ciphers: string;
  readonly minVersion: SecureVersion;
  readonly maxVersion: SecureVersion;
  /** Files with certificates that are believed instead of the authorities above (smtp_tls_trust_anchor_file). */
  readonly anchors: readonly string[];
}

interface Material {
  readonly own: { readonly key: string[]; readonly cert: string[] };
  readonly authorities: readonly string[];
  /** Of trust anchor files. */
  readonly anchors: ReadonlyMap<string, string>;
  readonly fingerprint: string;
}

const recheckMilliseconds = 5_000;
/** Policies are few; a table that makes up a new one for each destination must not fill the memory. */
const maxContexts = 100;

export class ClientContexts {
  readonly #files: ClientFiles;
  readonly #clock: Clock;
  readonly #log: TlsLog;
  readonly #anchorFiles = new Set<string>();
  #contexts = new Map<string, SecureContext>();
  #material: Material | undefined;
  #checkedAt: number;
  #problem: string | undefined;

  constructor(files: ClientFiles, clock: Clock, log: TlsLog) {
    this.#files = files;
    this.#clock = clock;
    this.#log = log;
    this.#checkedAt = clock.monotonic();
    try {
      this.#reload();
    } catch (error) {
      this.#problem = (error as Error).message;
    }
  }

  /** Why there is no TLS. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** Throws where the files, the ciphers or the versions cannot be used. */
  context(kind: HandshakeKind): SecureContext {
    this.#look(kind);
    const material = this.#material;
    if (material === undefined) throw new Error(this.#problem);
    const name = JSON.stringify(kind);
    const known = this.#contexts.get(name);
    if (known) return known;
    const isAnchored = kind.anchors.length > 0;
    const context = createSecureContext({
      ...material.own,
      ca: isAnchored
        ? kind.anchors.map((file) => material.anchors.get(file) ?? '')
        : [...material.authorities, ...(this.#files.appendsSystem ? systemAuthorities() : [])],
      // A trust anchor need not be a root (TLS_README).
      allowPartialTrustChain: isAnchored,
      ciphers: kind.ciphers,
      minVersion: kind.minVersion,
      maxVersion: kind.maxVersion,
    });
    if (this.#contexts.size >= maxContexts) this.#contexts.clear();
    this.#contexts.set(name, context);
    return context;
  }

  /** Sessions made with other certificates or authorities are not resumed: their verdict may be another one now. */
  get generation(): string {
    return this.#material?.fingerprint ?? '';
  }

  #look({ anchors }: HandshakeKind): void {
    const unread = anchors.filter((file) => !this.#anchorFiles.has(file));
    const now = this.#clock.monotonic();
    if (unread.length > 0) {
      for (const file of unread) this.#anchorFiles.add(file);
      try {
        this.#reload();
      } catch (error) {
        for (const file of unread) this.#anchorFiles.delete(file);
        throw error;
      }
    } else if (now - this.#checkedAt >= recheckMilliseconds) {
      this.#checkedAt = now;
      try {
        if (this.#fingerprint() !== this.#material?.fingerprint) this.#reload();
      } catch (error) {
        const { message } = error as Error;
        if (this.#material === undefined) this.#problem = message;
        else this.#log.warning(`cannot load TLS client files, keeping the previous ones: ${message}`);
      }
    }
  }

  #reload(): void {
    const material = this.#read();
    // A key that does not fit its certificate shows here, not at the first handshake.
    createSecureContext({ ...material.own, ca: [] });
    this.#material = material;
    this.#problem = undefined;
    this.#contexts = new Map();
  }

  #read(): Material {
    const fingerprint = this.#fingerprint();
    return {
      own: readOwn(this.#files),
      authorities: readAuthorities(this.#files),
      anchors: new Map([...this.#anchorFiles].map((file) => [file, readCertificates(file)])),
      fingerprint,
    };
  }

  /** Changes when a file is replaced or written. */
  #fingerprint(): string {
    const { pairs, chainFiles, caFile, caPath } = this.#files;
    const paths = [...pairs.flat(), ...chainFiles, caFile, caPath, ...this.#anchorFiles].filter((path) => path !== '');
    return paths.map((path) => describeFile(statSync(path))).join(' ');
  }
}

function readOwn({ pairs, chainFiles }: ClientFiles): { key: string[]; cert: string[] } {
  const files =
    chainFiles.length > 0
      ? chainFiles.map((file) => [file])
      : pairs.map(([certificate, key]) => {
          return key === '' || key === certificate ? [certificate] : [key, certificate];
        });
  const own: { key: string[]; cert: string[] } = { key: [], cert: [] };
  for (const group of files) {
    const { key, cert } = keysAndChains(group.flatMap((file) => pemBlocks(readFileSync(file, 'latin1'))));
    if (key.length === 0 || cert.length === 0) {
      throw new Error(`${group.join(', ')}: no ${key.length === 0 ? 'private key' : 'certificate'} in PEM form`);
    }
    own.key.push(...key);
    own.cert.push(...cert);
  }
  return own;
}
