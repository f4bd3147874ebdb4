// Debian's mail filters, each with a configuration and a folder of its own on free ports of loopback: Rspamd and OpenDKIM as
// milters, ClamAV's milter with a scanner that knows one signature, postgrey. Tests skip what is not installed.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findFreePorts } from './free-ports.ts';
import { isListening } from './posthaste-process.ts';

const programs = {
  rspamd: '/usr/bin/rspamd',
  opendkim: '/usr/sbin/opendkim',
  'clamav-milter': '/usr/sbin/clamav-milter',
  clamd: '/usr/sbin/clamd',
  postgrey: '/usr/sbin/postgrey',
} as const;

type Program = keyof typeof programs;

/** Why it cannot run here; undefined where it can. */
export function noFilter(program: Program): string | undefined {
  return existsSync(programs[program]) ? undefined : `needs ${program} (scripts/install-test-servers)`;
}

/** Octets that our ClamAV takes for a virus. */
export const testVirus = 'POSTHASTE-TEST-VIRUS-4711';
/** The pattern that Rspamd takes for spam (SpamAssassin's). */
export const testSpam = 'XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X';

export class FilterServers {
  readonly #folder: string;
  readonly #children: ChildProcess[] = [];

  /** Whoever the filters run as must be able to enter it. */
  constructor(folder: string) {
    this.#folder = folder;
  }

  async stop(): Promise<void> {
    await Promise.all(
      this.#children.map(async (child) => {
        if (child.exitCode !== null || child.signalCode !== null) return;
        const ended = new Promise((resolve) => child.once('exit', resolve));
        child.kill('SIGTERM');
        const timer = setTimeout(() => child.kill('SIGKILL'), 5000);
        await ended;
        clearTimeout(timer);
      }),
    );
  }

  async rspamd(): Promise<number> {
    const folder = this.#make('rspamd', '_rspamd');
    return await this.#start('rspamd', (port) => {
      const file = join(folder, 'rspamd.conf');
      // The real list takes ten seconds to load.
      writeFileSync(join(folder, 'tlds'), 'example\n');
      writeFileSync(
        file,
        `options {
  pidfile = "${folder}/rspamd.pid"; filters = ""; tempdir = "${folder}"; hs_cache_dir = "${folder}"; rrd = ""; disable_hyperscan = true; url_tld = "${folder}/tlds";
  enable_test_patterns = true;
  dns { nameserver = ["127.0.0.1:1"]; timeout = 0.1s; retransmits = 1; }
}
logging { type = "file"; filename = "${folder}/log"; level = "info"; }
worker "rspamd_proxy" {
  bind_socket = "127.0.0.1:${port}"; milter = yes; timeout = 20s; count = 1;
  upstream "local" { default = yes; self_scan = yes; }
  reject_message = "Spam message rejected";
}
actions { reject = 15; add_header = 6; }
modules { path = "/usr/share/rspamd/plugins/milter_headers.lua"; }
milter_headers { use = ["x-spamd-result"]; skip_local = false; }
`,
      );
      return ['-f', '-i', '-u', '_rspamd', '-g', '_rspamd', '-c', file];
    });
  }

  /** Signs for a.example with the selector `s`; the public key is where verifiers of this folder look. */
  async openDkim(mode: 's' | 'v'): Promise<number> {
    const folder = this.#make('opendkim');
    const key = join(folder, 's.private');
    if (!existsSync(key)) execFileSync('opendkim-genkey', ['-b', '1024', '-d', 'a.example', '-s', 's', '-D', folder]);
    const text = [...readFileSync(join(folder, 's.txt'), 'utf8').matchAll(/"([^"]*)"/g)]
      .map((match) => match[1])
      .join('');
    const publicKeys = join(folder, 'keys');
    writeFileSync(publicKeys, `s._domainkey.a.example ${text}\n`);
    return await this.#start('opendkim', (port) => {
      const file = join(folder, `${mode}.conf`);
      const lines = [
        `Mode ${mode}`,
        `Socket inet:${port}@127.0.0.1`,
        'Domain a.example',
        `KeyFile ${key}`,
        'Selector s',
        'InternalHosts 127.0.0.1',
        `TestPublicKeys ${publicKeys}`,
        'RequireSafeKeys no',
        'Background no',
        'Syslog no',
        mode === 'v' ? 'AlwaysAddARHeader yes' : 'Canonicalization relaxed/relaxed',
        mode === 'v' ? 'AuthservID mx.example' : '',
      ];
      // A verifier takes mail of this machine for a stranger's.
      const own =
        mode === 'v' ? lines.map((line) => line.replace('InternalHosts 127.0.0.1', 'InternalHosts 192.0.2.1')) : lines;
      writeFileSync(file, `${own.join('\n')}\n`);
      return ['-f', '-x', file];
    });
  }

  async clamav(): Promise<number> {
    const folder = this.#make('clamav', 'clamav');
    mkdirSync(join(folder, 'db'), { recursive: true });
    writeFileSync(join(folder, 'db', 'test.ndb'), `Posthaste.Test:0:*:${Buffer.from(testVirus).toString('hex')}\n`);
    const scanner = await this.#start('clamd', (port) => {
      const file = join(folder, 'clamd.conf');
      writeFileSync(
        file,
        `Foreground yes\nDatabaseDirectory ${folder}/db\nTCPSocket ${port}\nTCPAddr 127.0.0.1\nTemporaryDirectory ${folder}\nMaxThreads 2\n`,
      );
      return ['-c', file];
    });
    return await this.#start('clamav-milter', (port) => {
      const file = join(folder, 'milter.conf');
      writeFileSync(
        file,
        `Foreground yes\nMilterSocket inet:${port}@127.0.0.1\nClamdSocket tcp:127.0.0.1:${scanner}\nOnInfected Reject\nRejectMsg Infected by %v\nAddHeader Replace\nTemporaryDirectory ${folder}\n`,
      );
      return ['-c', file];
    });
  }

  /** Whom it does not know it lets wait for two seconds. */
  async postgrey(): Promise<number> {
    const folder = this.#make('postgrey', 'postgrey');
    const empty = join(folder, 'nobody');
    writeFileSync(empty, '');
    return await this.#start('postgrey', (port) => [
      `--inet=127.0.0.1:${port}`,
      `--dbdir=${folder}`,
      '--delay=2',
      '--auto-whitelist-clients=0',
      `--whitelist-clients=${empty}`,
      `--whitelist-recipients=${empty}`,
      '--hostname=mx.example',
    ]);
  }

  #make(name: string, user?: string): string {
    const folder = join(this.#folder, name);
    mkdirSync(folder, { recursive: true });
    chmodSync(folder, 0o755);
    if (user !== undefined) {
      const [uid, gid] = ['-u', '-g'].map((option) => Number(execFileSync('id', [option, user], { encoding: 'utf8' })));
      chownSync(folder, uid ?? 0, gid ?? 0);
    }
    return folder;
  }

  async #start(program: Program, prepare: (port: number) => readonly string[]): Promise<number> {
    const [port = 0] = await findFreePorts(1);
    const args = prepare(port);
    const log = join(this.#folder, `${program}.log`);
    const output = openSync(log, 'a');
    const child = spawn(programs[program], args, { stdio: ['ignore', output, output] });
    this.#children.push(child);
    for (let attempt = 0; !(await isListening(port)); attempt++) {
      if (attempt === 1500 || child.exitCode !== null) {
        throw new Error(`${program} does not listen:\n${readFileSync(log, 'utf8').slice(-1500)}`);
      }
      await sleep(20);
    }
    return port;
  }
}
