// The two servers of generated conversations: a real Postfix, and our SMTP server with our restrictions. Both ask the
// same name server, policy server and auth server; one after the other, so that what they ask can be compared.

import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import type { Server } from 'node:net';
import { join } from 'node:path';
import { chrootedMasterCf, chrootedPostfix, type NameServerAddress } from '../harness/chrooted-postfix.ts';
import { startDnsServer } from '../harness/dns-server.ts';
import { startDovecotAuthServer } from '../harness/dovecot-auth-server.ts';
import { findFreePorts } from '../harness/free-ports.ts';
import type { RealPostfix } from '../harness/real-postfix.ts';
import { Certificates } from '../queue/certificates.ts';
import { startTestServer } from '../smtp-dialogs/test-server.ts';
import { converse } from './converse.ts';
import { type AccessGroup, generateAccessGroup } from './generate.ts';
import { zone } from './names.ts';
import { PolicyServer } from './policy-server.ts';

export interface ConversationAnswers {
  readonly replies: readonly string[];
  /** What the log says of refusals, warnings and orders. */
  readonly log: readonly string[];
  /** What the policy server was asked. */
  readonly asked: readonly string[];
}

export const accessNameServer: NameServerAddress = { host: '127.0.53.31', port: 53 };

/** What holds in every group. */
const base: Readonly<Record<string, string>> = {
  compatibility_level: '3.6',
  myhostname: 'mx.access.test',
  mydomain: 'access.test',
  inet_interfaces: '127.0.0.1',
  inet_protocols: 'all',
  alias_maps: '',
  smtpd_authorized_xclient_hosts: '127.0.0.1',
  smtpd_peername_lookup: 'no',
  virtual_transport: 'discard',
  default_transport: 'discard',
  relay_transport: 'discard',
  local_transport: 'discard',
  enable_long_queue_ids: 'yes',
  smtpd_error_sleep_time: '0',
  smtpd_soft_error_limit: '100000',
  smtpd_hard_error_limit: '100000',
  smtpd_junk_command_limit: '100000',
  smtpd_client_connection_count_limit: '0',
  in_flow_delay: '0',
  smtpd_sasl_auth_enable: 'yes',
  smtpd_sasl_type: 'dovecot',
  smtpd_tls_security_level: 'may',
  smtpd_policy_service_retry_delay: '1',
  local_header_rewrite_clients: '',
};

export class AccessServers {
  readonly #folder: string;
  readonly #postfix: RealPostfix;
  readonly #dns: { close(): void };
  readonly #auth: Server;
  readonly #policy: PolicyServer;
  readonly #certificates = new Certificates();

  static async open(): Promise<AccessServers> {
    const folder = mkdtempSync('/var/tmp/posthaste-access-');
    chmodSync(folder, 0o755);
    const [port = 0] = await findFreePorts(1);
    const postfix = chrootedPostfix(folder, port, accessNameServer);
    mkdirSync(postfix.folder.spool, { recursive: true });
    const auth = await startDovecotAuthServer(join(postfix.folder.spool, 'auth.sock'));
    const dns = await startDnsServer(zone, accessNameServer);
    return new AccessServers(folder, postfix, dns, auth, await PolicyServer.start());
  }

  private constructor(
    folder: string,
    postfix: RealPostfix,
    dns: { close(): void },
    auth: Server,
    policy: PolicyServer,
  ) {
    this.#folder = folder;
    this.#postfix = postfix;
    this.#dns = dns;
    this.#auth = auth;
    this.#policy = policy;
  }

  generate(seed: number, count: number): AccessGroup {
    return generateAccessGroup(seed, count, this.#policy.port);
  }

  async askPostfix({ main, conversations }: AccessGroup): Promise<ConversationAnswers[]> {
    const certificate = this.#certificates.path('good');
    const settings = {
      ...base,
      ...this.#postfix.settings,
      smtpd_sasl_path: 'auth.sock',
      smtpd_tls_cert_file: certificate,
      smtpd_tls_key_file: certificate,
      ...main,
    };
    const mainCf = Object.entries(settings).map(([name, value]) => `${name} = ${value}\n`);
    this.#postfix.clearLog();
    await this.#postfix.start(mainCf.join(''), chrootedMasterCf(this.#postfix.port));
    try {
      // The test whether it listens was a session too.
      while (!this.#postfix.readLog().includes('disconnect from')) await pause(5);
      const begun = this.#postfix.readLog().length;
      const log = (): string[] =>
        this.#postfix
          .readLog()
          .slice(begun)
          .split('\n')
          .map((line) => line.replace(/^.*? (postfix\/\S+?\[\d+\]: )/, '$1'));
      return await this.#ask(this.#postfix.port, conversations, log);
    } finally {
      this.#postfix.stop();
    }
  }

  async askPosthaste({ main, conversations }: AccessGroup): Promise<ConversationAnswers[]> {
    const server = await startTestServer({
      settings: { ...base, smtpd_sasl_path: join(this.#postfix.folder.spool, 'auth.sock'), ...main },
      isRealPolicy: true,
      zone: zone.split('\n'),
      clientName: 'unknown',
    });
    try {
      return await this.#ask(server.port, conversations, () => [...server.log.lines]);
    } finally {
      await server.close();
    }
  }

  async #ask(
    port: number,
    conversations: AccessGroup['conversations'],
    readLog: () => readonly string[],
  ): Promise<ConversationAnswers[]> {
    const heard: Omit<ConversationAnswers, 'log'>[] = [];
    for (const lines of conversations) {
      this.#policy.asked.length = 0;
      const replies = await converse(port, lines);
      heard.push({ replies, asked: [...this.#policy.asked] });
    }
    const logs = await settled(readLog, conversations.length);
    return heard.map((one, index) => ({ ...one, log: comparable(logs[index] ?? []) }));
  }

  async close(): Promise<void> {
    this.#postfix.stop();
    this.#dns.close();
    this.#auth.close();
    this.#policy.close();
    this.#certificates.remove();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** The log's lines of each session. A process of Postfix serves one at a time. */
async function settled(readLog: () => readonly string[], sessions: number): Promise<string[][]> {
  for (let attempt = 0; ; attempt++) {
    const lines = readLog();
    const ended = lines.filter((line) => line.includes(': disconnect from')).length;
    if (attempt < 400 && ended < sessions) {
      await pause(5);
      continue;
    }
    const parts: string[][] = [];
    const current = new Map<string, string[]>();
    for (const line of lines) {
      const [, program = '', text = ''] = /^(\S+?): (.*)$/.exec(line) ?? [];
      if (text.startsWith('connect from')) {
        const part: string[] = [];
        parts.push(part);
        current.set(program, part);
      }
      current.get(program)?.push(`postfix/smtpd: ${text}`);
    }
    return parts;
  }
}

function comparable(lines: readonly string[]): string[] {
  return (
    lines
      .filter((line) =>
        /^\S+\/smtpd: \w+: (?:reject|reject_warning|warn|info|hold|discard|redirect|bcc|permit): /.test(line),
      )
      // Ours says there too that an address is none.
      .filter((line) => !/: [45]01 [45]\.1\.[37] Bad (?:sender|recipient) address syntax;/.test(line))
      .map((line) => line.replace(/^(\S+: )(?!NOQUEUE)\w+:/, '$1QID:'))
  );
}
