// An OpenLDAP server of its own (packages slapd, ldap-utils), on free ports of loopback and a socket in its folder:
// suffix dc=example,dc=test, cn=admin,dc=example,dc=test with the password `secret`, ldap_table(5)'s attributes and
// some for groups. Tests that need it are skipped where it is not installed.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findFreePorts } from './free-ports.ts';
import { isListening } from './posthaste-process.ts';
import { stopOrGo } from './stop-and-go.ts';

const slapd = '/usr/sbin/slapd';

/** Why there can be none here; undefined where it can run. */
export const noOpenLdap: string | undefined =
  existsSync(slapd) && existsSync('/usr/bin/ldapadd') ? undefined : 'needs slapd (packages slapd, ldap-utils)';

export const ldapSuffix = 'dc=example,dc=test';
export const ldapAdmin = `cn=admin,${ldapSuffix}`;
export const ldapPassword = 'secret';

// `mailUser` may be added to any entry. The attributes that lead to other entries hold DNs and LDAP URLs alike.
const schema = `
attributetype ( 1.3.6.1.4.1.4203.666.1.9001 NAME 'mailacceptinggeneralid'
  EQUALITY caseIgnoreMatch SUBSTR caseIgnoreSubstringsMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )
attributetype ( 1.3.6.1.4.1.4203.666.1.9002 NAME 'maildrop'
  EQUALITY caseIgnoreMatch SUBSTR caseIgnoreSubstringsMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )
attributetype ( 1.3.6.1.4.1.4203.666.1.9003 NAME 'memberdn'
  EQUALITY caseExactMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )
attributetype ( 1.3.6.1.4.1.4203.666.1.9004 NAME 'memberurl'
  EQUALITY caseExactMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )
attributetype ( 1.3.6.1.4.1.4203.666.1.9005 NAME 'memberaddr'
  EQUALITY caseIgnoreMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )
objectclass ( 1.3.6.1.4.1.4203.666.1.9100 NAME 'mailUser' SUP top AUXILIARY
  MAY ( mailacceptinggeneralid $ maildrop $ memberdn $ memberurl $ memberaddr $ mail ) )
`;

export interface OpenLdapOptions {
  /** More lines of slapd.conf(5) for the database. */
  readonly configuration?: string;
  /** With them it serves ldaps: and STARTTLS too. */
  readonly tls?: { readonly certificateFile: string; readonly keyFile: string };
}

export class OpenLdapServer {
  readonly #folder: string;
  readonly #options: OpenLdapOptions;
  #child: ChildProcess | undefined;
  port = 0;
  tlsPort = 0;

  /** The folder is made where it does not exist; its path must be short enough for a socket. */
  constructor(folder: string, options: OpenLdapOptions = {}) {
    this.#folder = folder;
    this.#options = options;
  }

  get url(): string {
    return `ldap://127.0.0.1:${this.port}`;
  }

  get socketUrl(): string {
    return `ldapi://${encodeURIComponent(join(this.#folder, 's'))}`;
  }

  /** A second start keeps the ports and the data. */
  async start(): Promise<void> {
    mkdirSync(join(this.#folder, 'data'), { recursive: true });
    if (this.port === 0) [this.port = 0, this.tlsPort = 0] = await findFreePorts(2);
    const { tls } = this.#options;
    writeFileSync(join(this.#folder, 'mail.schema'), schema);
    writeFileSync(join(this.#folder, 'slapd.conf'), this.#configuration());
    const urls = [this.url, this.socketUrl, ...(tls === undefined ? [] : [`ldaps://127.0.0.1:${this.tlsPort}`])];
    const log = openSync(join(this.#folder, 'log'), 'a');
    // -d keeps it in the foreground.
    const args = ['-f', join(this.#folder, 'slapd.conf'), '-h', urls.join(' '), '-d', '0'];
    this.#child = spawn(slapd, args, { stdio: ['ignore', log, log] });
    while (!(await isListening(this.port))) {
      if (this.#child.exitCode !== null) {
        throw new Error(`slapd ended:\n${readFileSync(join(this.#folder, 'log'), 'utf8').slice(-2000)}`);
      }
      await sleep(10);
    }
  }

  /** Adds entries (LDIF) as the administrator. */
  add(ldif: string): void {
    this.#run('ldapadd', ldif);
  }

  /** Changes entries (LDIF with `changetype:`) as the administrator. */
  modify(ldif: string): void {
    this.#run('ldapmodify', ldif);
  }

  async stop(): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    await new Promise((done) => {
      child.once('exit', done);
      child.kill('SIGTERM');
    });
  }

  /** The kernel goes on accepting connections, nobody answers. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    if (this.#child?.pid !== undefined) stopOrGo(this.#child.pid, signal);
  }

  #run(program: string, ldif: string): void {
    const args = ['-x', '-H', this.url, '-D', ldapAdmin, '-w', ldapPassword];
    execFileSync(program, args, { input: ldif, stdio: 'pipe' });
  }

  #configuration(): string {
    const { tls, configuration = '' } = this.#options;
    const schemas = ['core', 'cosine', 'inetorgperson'].map((name) => `include /etc/ldap/schema/${name}.schema`);
    return [
      ...schemas,
      `include ${join(this.#folder, 'mail.schema')}`,
      `pidfile ${join(this.#folder, 'pid')}`,
      `argsfile ${join(this.#folder, 'args')}`,
      ...(tls === undefined
        ? []
        : [`TLSCertificateFile ${tls.certificateFile}`, `TLSCertificateKeyFile ${tls.keyFile}`]),
      'modulepath /usr/lib/ldap',
      'moduleload back_mdb',
      'database mdb',
      `suffix "${ldapSuffix}"`,
      `rootdn "${ldapAdmin}"`,
      `rootpw ${ldapPassword}`,
      `directory ${join(this.#folder, 'data')}`,
      'maxsize 67108864',
      'dbnosync',
      'index objectClass,mail,maildrop,mailacceptinggeneralid eq',
      configuration,
      '',
    ].join('\n');
  }
}
