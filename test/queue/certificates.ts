// Certificates for tests, made with openssl(1): an authority, a server's certificate that it vouches for, and one that
// nobody does.

import { spawnSync } from 'node:child_process';
import { createHash, X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export const hasOpenssl = spawnSync('openssl', ['version']).status === 0;

/** A folder of PEM files; readable for everybody, as a real Postfix reads them too. */
export class Certificates {
  readonly folder: string;

  constructor() {
    this.folder = mkdtempSync('/var/tmp/posthaste-certificates-');
    this.#make('ca', ['-subj', '/CN=Test CA', '-addext', 'basicConstraints=critical,CA:true']);
    const byCa = ['-CA', this.path('ca'), '-CAkey', this.path('ca'), '-addext', 'basicConstraints=CA:false'];
    this.#make('good', ['-subj', '/CN=mx', '-addext', 'subjectAltName=DNS:localhost,DNS:*.wild.example', ...byCa]);
    this.#make('other', ['-subj', '/CN=other', '-addext', 'subjectAltName=DNS:other.example', ...byCa]);
    this.#make('client', ['-subj', '/CN=client.example', ...byCa]);
    this.#make('alone', ['-subj', '/CN=localhost', '-addext', 'basicConstraints=CA:false']);
  }

  /** Key and certificate in one file. */
  path(name: string): string {
    return join(this.folder, `${name}.pem`);
  }

  /** For localhost, with an RSA key. */
  makeRsa(name: string): void {
    const by = ['-CA', this.path('ca'), '-CAkey', this.path('ca'), '-addext', 'basicConstraints=CA:false'];
    const subject = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=DNS:localhost'];
    this.#make(name, [...subject, ...by], 'rsa:2048');
  }

  /** A certificate with so many issuers between it and the authority, which stand behind it in its file. */
  makeDeep(name: string, issuers: number): void {
    let above = 'ca';
    let chain = '';
    for (let depth = 0; depth <= issuers; depth++) {
      const own = depth === issuers ? name : `${name}-${depth}`;
      const constraints = `basicConstraints=CA:${depth < issuers}`;
      const by = ['-CA', this.path(above), '-CAkey', this.path(above), '-addext', constraints];
      this.#make(own, ['-subj', `/CN=${own}`, ...by]);
      const text = this.pem(own);
      chain = text.slice(text.indexOf('-----BEGIN CERTIFICATE')) + chain;
      if (depth === issuers)
        writeFileSync(this.path(name), text.slice(0, text.indexOf('-----BEGIN CERTIFICATE')) + chain);
      above = own;
    }
  }

  pem(name: string): string {
    return readFileSync(this.path(name), 'utf8');
  }

  fingerprint(name: string, of: 'certificate' | 'key', digest = 'sha256'): string {
    const certificate = new X509Certificate(this.pem(name));
    const bytes = of === 'key' ? certificate.publicKey.export({ type: 'spki', format: 'der' }) : certificate.raw;
    const hex = createHash(digest).update(bytes).digest('hex').toUpperCase();
    return hex.replace(/..(?!$)/g, '$&:');
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  #make(name: string, more: readonly string[], key = 'ec -pkeyopt ec_paramgen_curve:prime256v1'): void {
    const common = `req -x509 -newkey ${key} -nodes -days 2 -keyout - -out -`;
    const made = spawnSync('openssl', [...common.split(' '), ...more], { encoding: 'utf8' });
    if (made.status !== 0) throw new Error(made.stderr);
    writeFileSync(this.path(name), made.stdout);
    spawnSync('chmod', ['-R', 'a+rX', this.folder]);
  }
}
