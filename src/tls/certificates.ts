// The server's key and certificate, for SMTP and IMAP alike: read from the files that smtpd_tls_chain_files or
// smtpd_tls_cert_file and smtpd_tls_key_file name, or else made at the first start and kept in the data folder.
// The files are looked at again at most every few seconds, so that a renewed certificate is used without a
// restart. A file that cannot be used (half written, key and certificate that do not match) leaves the previous
// certificate in force and is logged.
// TLS 1.2 is the oldest version spoken (RFC 8996), whatever smtpd_tls_protocols allows beyond that.

import { constants } from 'node:fs';
import { mkdir, open, readFile, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createSecureContext, type SecureContext } from 'node:tls';
import type { Clock } from '../lib/clock.ts';
import { keysAndChains, pemBlocks } from './pem.ts';
import { createSelfSigned } from './self-signed.ts';

export interface TlsLog {
  info(text: string): void;
  warning(text: string): void;
}

export interface TlsContextsOptions {
  /** smtpd_tls_cert_file, smtpd_tls_key_file; '' or `none` for unset. */
  readonly certFile: string;
  readonly keyFile: string;
  /** smtpd_tls_chain_files: PEM files, each with a key followed by its certificates. Wins over the two above. */
  readonly chainFiles: readonly string[];
  /** Where the certificate of the first start is kept. */
  readonly dataDirectory: string;
  readonly hostname: string;
  readonly log: TlsLog;
  readonly clock: Clock;
  /** The oldest version of TLS spoken; 1.2 unless the administrator asks for 1.3. */
  readonly minVersion?: 'TLSv1.2' | 'TLSv1.3';
}

const recheckMilliseconds = 5_000;
const selfSignedName = 'self-signed.pem';

export class TlsContexts {
  readonly #options: TlsContextsOptions;
  readonly #files: readonly string[];
  #context: SecureContext;
  #fingerprint: string;
  #checkedAt: number;
  #isChecking = false;

  private constructor(options: TlsContextsOptions, files: readonly string[], loaded: Loaded) {
    this.#options = options;
    this.#files = files;
    this.#context = loaded.context;
    this.#fingerprint = loaded.fingerprint;
    this.#checkedAt = options.clock.monotonic();
  }

  /** Reads the files, making the self-signed certificate where none is configured. Throws where they cannot be used. */
  static async open(options: TlsContextsOptions): Promise<TlsContexts> {
    const configured = configuredFiles(options);
    const files = configured.length > 0 ? configured : [await ensureSelfSigned(options)];
    return new TlsContexts(options, files, await load(files, options));
  }

  /** The context for a new handshake. Starts a look at the files when the last one is some seconds old. */
  secureContext(): SecureContext {
    const now = this.#options.clock.monotonic();
    if (!this.#isChecking && now - this.#checkedAt >= recheckMilliseconds) {
      this.#checkedAt = now;
      void this.reload();
    }
    return this.#context;
  }

  /** Reads the files again where they have changed; never throws. */
  async reload(): Promise<void> {
    this.#isChecking = true;
    try {
      if ((await fingerprint(this.#files)) === this.#fingerprint) return;
      const loaded = await load(this.#files, this.#options);
      this.#context = loaded.context;
      this.#fingerprint = loaded.fingerprint;
      this.#options.log.info(`reloaded TLS certificate from ${this.#files.join(', ')}`);
    } catch (error) {
      this.#options.log.warning(`cannot load TLS certificate, keeping the previous one: ${messageOf(error)}`);
    } finally {
      this.#isChecking = false;
    }
  }
}

interface Loaded {
  readonly context: SecureContext;
  readonly fingerprint: string;
}

function configuredFiles(options: TlsContextsOptions): string[] {
  const isSet = (file: string) => file !== '' && file !== 'none';
  const chain = options.chainFiles.filter(isSet);
  if (chain.length > 0) return [...chain];
  if (!isSet(options.certFile)) return [];
  return isSet(options.keyFile) && options.keyFile !== options.certFile
    ? [options.keyFile, options.certFile]
    : [options.certFile];
}

async function load(files: readonly string[], options: TlsContextsOptions): Promise<Loaded> {
  const before = await fingerprint(files);
  const blocks = (await Promise.all(files.map((file) => readFile(file, 'latin1')))).flatMap(pemBlocks);
  const keys = blocks.filter((block) => block.label.endsWith('PRIVATE KEY'));
  const certificates = blocks.filter((block) => block.label.endsWith('CERTIFICATE'));
  if (keys.length === 0 || certificates.length === 0) {
    throw new Error(`${files.join(', ')}: no ${keys.length === 0 ? 'private key' : 'certificate'} in PEM form`);
  }
  const context = createSecureContext({
    ...keysAndChains(blocks),
    minVersion: options.minVersion ?? 'TLSv1.2',
    honorCipherOrder: true,
    // Renegotiation is a way to make the server work (RFC 5746 is no help against that), and tickets are enough
    // for resumption.
    secureOptions: 0x40000000,
    sessionIdContext: 'posthaste',
  });
  return { context, fingerprint: before };
}

/** Changes when a file is replaced or written. */
async function fingerprint(files: readonly string[]): Promise<string> {
  const stats = await Promise.all(files.map((file) => stat(file)));
  return stats.map((entry) => `${entry.dev}:${entry.ino}:${entry.mtimeMs}:${entry.size}`).join(' ');
}

async function ensureSelfSigned(options: TlsContextsOptions): Promise<string> {
  const folder = join(options.dataDirectory, 'tls');
  const file = join(folder, selfSignedName);
  try {
    await stat(file);
    return file;
  } catch {
    await mkdir(folder, { recursive: true, mode: 0o700 });
  }
  const { key, certificate } = await createSelfSigned(options.hostname, options.clock.now());
  // Whole or not at all: a crash here must not leave half a key for the next start.
  const temporary = `${file}.new`;
  const handle = await open(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC, 0o600);
  try {
    await handle.writeFile(key + certificate);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(temporary, file);
  options.log.info(`created a self-signed TLS certificate for ${options.hostname} in ${file}`);
  return file;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
