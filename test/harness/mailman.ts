// A real Mailman 3 (Debian's mailman3) in a folder of its own: one list, its LMTP door, and its way out by SMTP.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findFreePorts } from './free-ports.ts';
import { isListening } from './posthaste-process.ts';

const master = '/usr/lib/mailman3/bin/master';

/** Arguments: the configuration, the list, its members. */
const makeList = `
import sys
from mailman.core.initialize import initialize
initialize(sys.argv[1])
from mailman.app.lifecycle import create_list
from mailman.database.transaction import transaction
from mailman.interfaces.domain import IDomainManager
from mailman.interfaces.usermanager import IUserManager
from mailman.utilities.datetime import now
from zope.component import getUtility
with transaction():
    getUtility(IDomainManager).add(sys.argv[2].split('@')[1])
    mlist = create_list(sys.argv[2], [sys.argv[3]])
    for member in sys.argv[3:]:
        users = getUtility(IUserManager)
        address = users.get_address(member) or users.create_address(member)
        address.verified_on = now()
        mlist.subscribe(address)
`;

export function canRunMailman(): boolean {
  return existsSync('/usr/bin/mailman') && existsSync(master);
}

export class Mailman {
  readonly folder: string;
  readonly lmtpPort: number;
  #child: ChildProcess | undefined;

  private constructor(folder: string, lmtpPort: number) {
    this.folder = folder;
    this.lmtpPort = lmtpPort;
  }

  /** Makes the configuration; `smtpPort` is where it hands in what it sends. */
  static async create(folder: string, smtpPort: number): Promise<Mailman> {
    const [lmtpPort = 0, restPort = 0] = await findFreePorts(2);
    mkdirSync(folder, { recursive: true });
    const idle = ['archive', 'bounces', 'digest', 'nntp', 'rest', 'retry', 'task', 'command', 'virgin'];
    writeFileSync(
      join(folder, 'mailman.cfg'),
      `[mailman]
layout: here
site_owner: owner@home.test
[paths.here]
var_dir: ${folder}/var
bin_dir: /usr/lib/mailman3/bin
[mta]
incoming: mailman.mta.postfix.LMTP
outgoing: mailman.mta.deliver.deliver
lmtp_host: 127.0.0.1
lmtp_port: ${lmtpPort}
smtp_host: 127.0.0.1
smtp_port: ${smtpPort}
configuration: ${folder}/postfix.cfg
[webservice]
port: ${restPort}
${idle.map((runner) => `[runner.${runner}]\nstart: no\n`).join('')}`,
    );
    // As Mailman's manual says for Postfix with regexp tables: they need no postmap(1).
    writeFileSync(join(folder, 'postfix.cfg'), '[postfix]\npostmap_command: /bin/true\ntransport_file_type: regex\n');
    return new Mailman(folder, lmtpPort);
  }

  /** Its table for transport_maps and local_recipient_maps. */
  get transportTable(): string {
    return join(this.folder, 'var/data/postfix_lmtp');
  }

  /** In one process: each start of the mailman command takes seconds. */
  addList(address: string, members: readonly string[]): void {
    const words = [join(this.folder, 'mailman.cfg'), address, ...members];
    execFileSync('/usr/bin/python3', ['-c', makeList, ...words], { stdio: 'pipe' });
  }

  async start(): Promise<void> {
    const log = openSync(join(this.folder, 'log'), 'a');
    this.#child = spawn(master, ['-C', join(this.folder, 'mailman.cfg')], { stdio: ['ignore', log, log] });
    for (const deadline = performance.now() + 60_000; performance.now() < deadline; await sleep(50)) {
      if (await isListening(this.lmtpPort)) return;
      if (this.#child.exitCode !== null) break;
    }
    throw new Error(`Mailman does not answer:\n${readFileSync(join(this.folder, 'log'), 'utf8')}`);
  }

  /** Its master ends the runners. */
  async stop(): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null) return;
    await new Promise<void>((resolve) => {
      child.once('exit', () => resolve());
      child.kill('SIGTERM');
    });
  }
}
