// A real Posthaste on a folder of its own: writes its configuration with free ports, starts it as an administrator
// would, knows when it is ready, and ends it politely or not at all politely. Used by fault runs and the bench.

import { type ChildProcess, spawn } from 'node:child_process';
import {
  appendFileSync,
  closeSync,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { findFreePorts } from './free-ports.ts';

const checkout = fileURLToPath(new URL('../..', import.meta.url));
const launcher = join(checkout, 'scripts/with-node');

export interface PosthasteOptions {
  /** Holds `etc` (configuration), `data` and `log` afterwards; made when missing. */
  readonly folder: string;
  /** Added to main.cf: later lines win. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Lines for master.cf. */
  readonly services?: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** Where the data folder is, when not below `folder`. */
  readonly dataFolder?: string;
  /** The name server that it asks, at port 53, in place of the machine's: only root can have that. */
  readonly nameServer?: string;
  /** A network of its own, where it may listen at every address and nobody else hears it: only root can have that. */
  readonly hasOwnNetwork?: boolean;
}

/** The server sees another resolv.conf than the machine; its process is the one that was started. */
const withLoopback = 'ip link set lo up && exec "$@"';
const withOwnResolvConf = 'mount --bind "$0" /etc/resolv.conf && exec "$@"';

export class PosthasteProcess {
  readonly folder: string;
  readonly configFolder: string;
  readonly dataFolder: string;
  readonly logFile: string;
  smtpPort = 0;
  imapPort = 0;
  #environment: Readonly<Record<string, string>>;
  readonly #nameServer: string | undefined;
  readonly #hasOwnNetwork: boolean;
  #child: ChildProcess | undefined;

  static async create(options: PosthasteOptions): Promise<PosthasteProcess> {
    const posthaste = new PosthasteProcess(options);
    await posthaste.#configure(options);
    return posthaste;
  }

  private constructor(options: PosthasteOptions) {
    this.folder = options.folder;
    this.configFolder = join(options.folder, 'etc');
    this.dataFolder = options.dataFolder ?? join(options.folder, 'data');
    this.logFile = join(options.folder, 'log');
    this.#environment = options.environment ?? {};
    this.#nameServer = options.nameServer;
    this.#hasOwnNetwork = options.hasOwnNetwork === true;
  }

  async #configure({ settings = {}, services = '' }: PosthasteOptions): Promise<void> {
    mkdirSync(this.configFolder, { recursive: true });
    mkdirSync(this.dataFolder, { recursive: true });
    const [smtpPort = 0, imapPort = 0] = await findFreePorts(2);
    this.smtpPort = smtpPort;
    this.imapPort = imapPort;
    const main: Record<string, string> = {
      compatibility_level: '3.6',
      myhostname: 'mx.posthaste.test',
      mydestination: '',
      mynetworks: '127.0.0.0/8',
      inet_interfaces: '127.0.0.1',
      inet_protocols: 'ipv4',
      recipient_delimiter: '+',
      message_size_limit: '104857600',
      virtual_transport: 'mailstore',
      virtual_mailbox_domains: 'directory:mailbox-domains',
      virtual_alias_domains: 'directory:alias-domains',
      virtual_alias_maps: 'directory:virtual-aliases',
      virtual_mailbox_maps: 'directory:mailboxes',
      smtpd_relay_restrictions: 'permit_mynetworks, reject_unauth_destination',
      posthaste_data_directory: this.dataFolder,
      posthaste_imap_listen: `127.0.0.1:${imapPort}`,
      ...settings,
    };
    const lines = Object.entries(main).map(([name, value]) => `${name} = ${value}\n`);
    writeFileSync(join(this.configFolder, 'main.cf'), lines.join(''));
    writeFileSync(
      join(this.configFolder, 'master.cf'),
      `127.0.0.1:${smtpPort} inet n - n - - smtpd\nmailstore unix - - n - - mailstore\n` +
        'smtp unix - - n - - smtp\nerror unix - - n - - error\ndiscard unix - - n - - discard\n' +
        services,
    );
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  get isRunning(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Starts the server with these additions to its environment; resolves when every service listens. */
  async start(environment: Readonly<Record<string, string>> = {}): Promise<void> {
    const log = openSync(this.logFile, 'a');
    const logStart = fstatSync(log).size;
    const [program = '', ...rest] = this.#command();
    this.#child = spawn(program, rest, {
      cwd: checkout,
      env: { ...process.env, ...this.#environment, ...environment },
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    this.#child.once('exit', (code, signal) => this.note(`ended with ${signal ?? code}`));
    await this.#waitUntilReady(logStart);
  }

  #command(): string[] {
    const command = ['sh', launcher, 'src/main/main.ts', '-c', this.configFolder, 'start'];
    if (this.#hasOwnNetwork) return ['unshare', '--net', 'sh', '-c', withLoopback, 'sh', ...command];
    if (this.#nameServer === undefined) return command;
    const file = join(this.folder, 'resolv.conf');
    writeFileSync(file, `nameserver ${this.#nameServer}\n`);
    return ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', withOwnResolvConf, file, ...command];
  }

  /** Ready is what `posthaste start` says last, after every service listens. */
  async #waitUntilReady(logStart: number): Promise<void> {
    const deadline = performance.now() + 60_000;
    while (performance.now() < deadline) {
      if (!this.isRunning) throw new Error(`posthaste ended while starting; its log ends:\n${this.logTail()}`);
      if (readFileSync(this.logFile).includes('\nCtrl-C ends it.\n', logStart)) return;
      await sleep(30);
    }
    throw new Error(`posthaste is not ready after 60 s; its log ends:\n${this.logTail()}`);
  }

  /** Resolves when it has ended, however that came. */
  async whenEnded(): Promise<void> {
    const child = this.#child;
    if (child && this.isRunning) await new Promise((resolve) => child.once('exit', resolve));
  }

  /** SIGKILL: nothing that it still wanted to do is done. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** SIGTERM, and SIGKILL after 30 s; throws in that case. */
  async stop(): Promise<void> {
    const timer = setTimeout(() => this.#child?.kill('SIGKILL'), 30_000);
    const signal = await this.#end('SIGTERM');
    clearTimeout(timer);
    if (signal === 'SIGKILL') throw new Error('posthaste did not end within 30 s of SIGTERM');
  }

  async #end(signal: NodeJS.Signals): Promise<NodeJS.Signals | null> {
    const child = this.#child;
    if (!child || !this.isRunning) return null;
    return new Promise((resolve) => {
      child.once('exit', (_code, ending) => resolve(ending));
      child.kill(signal);
    });
  }

  note(line: string): void {
    appendFileSync(this.logFile, `---- ${line}\n`);
  }

  logLines(): string[] {
    return existsSync(this.logFile) ? readFileSync(this.logFile, 'utf8').split('\n') : [];
  }

  /** What the log says became of the newest mail for this recipient: relay, status code, and status with its reason. */
  async deliveryOutcome(recipient: string): Promise<string> {
    for (const deadline = performance.now() + 15_000; performance.now() < deadline; await sleep(20)) {
      const line = this.logLines().findLast((one) => one.includes(`to=<${recipient}>`) && one.includes('status='));
      const match = /relay=(\S+), .*dsn=(\S+), status=(.*)/.exec(line ?? '');
      if (match !== null) return match.slice(1).join(' ');
    }
    throw new Error(`the log says nothing of mail for ${recipient}; it ends:\n${this.logTail()}`);
  }

  logTail(lines = 15): string {
    return this.logLines().slice(-lines).join('\n');
  }
}

export function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
